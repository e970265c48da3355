package config

import (
	"encoding/json"
	"net"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// RedisSettings name the server through which the nodes of a gateway share their state.
// The zero value is no server.
type RedisSettings struct {
	// Source is the section that names the server, "" for none.
	Source string
	// URL wins over Host, Port and DB.
	URL  Secret
	Host string
	Port int
	DB   int

	Username string
	Password Secret
	// TLS is ssl. CAFile is a PEM bundle, Insecure believes any certificate, and AnyName
	// one of a trusted CA whatever its name.
	TLS               bool
	CAFile            string
	Insecure, AnyName bool
	// Namespace goes before every key.
	Namespace string
	// Sentinels (host:port) know where MasterName is; Nodes are some of a cluster.
	Sentinels        []string
	MasterName       string
	SentinelPassword Secret
	Nodes            []string
	// MaxConnections is 0 when not given.
	MaxConnections int
}

// Enabled reports whether there is a server.
func (r *RedisSettings) Enabled() bool { return r.Source != "" }

// Equal reports whether both mean the same server in the same way.
func (r *RedisSettings) Equal(o *RedisSettings) bool { return reflect.DeepEqual(r, o) }

// Address is where the server is, without secrets.
func (r *RedisSettings) Address() string {
	switch {
	case len(r.Sentinels) > 0:
		return r.MasterName + " of the Sentinels " + strings.Join(r.Sentinels, ", ")
	case len(r.Nodes) > 0:
		return "of the cluster " + strings.Join(r.Nodes, ", ")
	case r.URL.IsSet():
		if u, err := url.Parse(r.URL.Reveal()); err == nil {
			return u.Host + u.Path
		}
		return "of the given URL"
	}
	return net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
}

// named reports whether it is said where the server is.
func (r *RedisSettings) named() bool {
	return r.URL.IsSet() || r.Host != "" || len(r.Nodes) > 0 || len(r.Sentinels) > 0
}

// secrets are what texts must not show.
func (r *RedisSettings) secrets() []string {
	out := []string{r.URL.Reveal(), r.Password.Reveal(), r.SentinelPassword.Reveal()}
	if u, err := url.Parse(r.URL.Reveal()); err == nil && u.User != nil {
		password, _ := u.User.Password()
		out = append(out, password)
	}
	return out
}

const defaultRedisPort = 6379

// redis reads where the nodes share their state: coordination_redis, else redis_* of
// router_settings, else the cache when that is on and a Redis.
func (l *loader) redis(root *node) RedisSettings {
	var r RedisSettings
	at := &Position{}
	switch general, router := root.get("general_settings"), root.get("router_settings"); {
	case !general.get("coordination_redis").isNull():
		n := general.get("coordination_redis")
		r, at = l.redisAt(n, "general_settings.coordination_redis"), &n.pos
	case !router.get("redis_url").isNull() || !router.get("redis_host").isNull():
		r, at = l.routerRedis(router), &router.pos
	default:
		n := root.get("litellm_settings")
		if !l.cachesInRedis(n) {
			return r
		}
		r, at = l.redisAt(n.get("cache_params"), "litellm_settings.cache_params"), &n.get("cache").pos
	}
	l.redisFromEnvironment(&r)
	if !r.named() {
		l.report.notef(*at, r.Source, "Give host and port, or a url, or set REDIS_HOST or REDIS_URL.", "No address of a Redis server is given, so nothing is shared with other nodes.")
		return RedisSettings{}
	}
	if what := l.redisSignIn(root); what != "" {
		l.report.warnf(*at, r.Source, "Give a password, or leave the keys out.", "The Redis server is to be signed in to with %s, which is planned; until then nothing is shared with other nodes.", what)
		return RedisSettings{}
	}
	l.report.notef(*at, r.Source, "", "Nodes that name the same Redis server count limits, budgets and cooldowns together and share conversations: %s.", r.Address())
	return r
}

// routerRedis reads redis_* of router_settings, and cache_kwargs beside them.
func (l *loader) routerRedis(router *node) RedisSettings {
	const path = "router_settings"
	at := func(key string) (*node, string) { return router.get(key), child(path, key) }
	r := l.redisAt(router.get("cache_kwargs"), child(path, "cache_kwargs"))
	r.Source, r.URL, r.Host = path, NewSecret(l.text(at("redis_url"))), l.text(at("redis_host"))
	r.Port, r.DB = deref(l.count(at("redis_port"))), deref(l.count(at("redis_db")))
	if password := l.text(at("redis_password")); password != "" {
		r.Password = NewSecret(password)
	}
	return r
}

// cachesInRedis reports whether the cache of answers is on and a Redis, which is its
// type when none is given.
func (l *loader) cachesInRedis(settings *node) bool {
	if on, ok := asSwitch(settings.get("cache")); !ok || !on {
		return false
	}
	switch kind := settings.get("cache_params").get("type"); {
	case kind.isNull():
		return true
	default:
		return kind.text == "redis" || kind.text == "redis-semantic" || kind.text == "valkey-semantic"
	}
}

// asSwitch is asBool of a key that may be absent.
func asSwitch(n *node) (value, ok bool) {
	if n.isNull() {
		return false, false
	}
	return asBool(n)
}

// redisAt reads a map that describes a server.
func (l *loader) redisAt(n *node, path string) RedisSettings {
	r := RedisSettings{Source: path}
	if n.isNull() || n.kind != mapKind {
		return r
	}
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	r.URL = NewSecret(l.text(at("url")))
	r.Host = l.text(at("host"))
	r.Port, r.DB = deref(l.count(at("port"))), deref(l.count(at("db")))
	r.Password = NewSecret(l.text(at("password")))
	if !r.URL.IsSet() {
		r.URL = NewSecret(l.text(at("redis_url")))
	}
	r.Username = l.text(at("username"))
	r.TLS, r.CAFile = l.flag(at("ssl")), l.text(at("ssl_ca_certs"))
	r.Insecure = noCertificate(l.text(at("ssl_cert_reqs")))
	if check := l.boolean(at("ssl_check_hostname")); check != nil {
		r.AnyName = !*check
	}
	r.Namespace, r.MaxConnections = l.text(at("namespace")), deref(l.count(at("max_connections")))
	r.MasterName, r.SentinelPassword = l.text(at("service_name")), NewSecret(l.text(at("sentinel_password")))
	r.Sentinels = l.redisNodes(at("sentinel_nodes"))
	r.Nodes = l.redisNodes(at("redis_startup_nodes"))
	return r
}

// noCertificate reports whether ssl_cert_reqs turns the check of certificates off.
func noCertificate(reqs string) bool {
	return strings.EqualFold(reqs, "none") || strings.EqualFold(reqs, "cert_none")
}

// redisNodes reads a list of [host, port] or {host, port}.
func (l *loader) redisNodes(n *node, path string) []string {
	if !l.given(n, path) {
		return nil
	}
	var out []string
	for i, item := range n.elements() {
		host, port := item.get("host"), item.get("port")
		if item.kind == listKind && len(item.items) == 2 {
			host, port = item.items[0], item.items[1]
		}
		at := element(path, i)
		if name := l.text(host, at); name != "" {
			out = append(out, joinPort(name, deref(l.count(port, at))))
		} else {
			l.wrong(item, at, "a host and a port")
		}
	}
	return out
}

func joinPort(host string, port int) string {
	if port == 0 {
		port = defaultRedisPort
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

// redisFromEnvironment fills in what LiteLLM takes from REDIS_* variables. What the
// file says stands.
func (l *loader) redisFromEnvironment(r *RedisSettings) {
	get := func(name string) string { v, _ := l.env.lookup("REDIS_" + name); return v }
	if !r.named() {
		r.URL, r.Host = NewSecret(get("URL")), get("HOST")
		r.Sentinels, r.Nodes = nodesFromText(get("SENTINEL_NODES")), nodesFromText(get("CLUSTER_NODES"))
	}
	if r.Port == 0 {
		r.Port, _ = strconv.Atoi(get("PORT"))
	}
	if r.Port <= 0 || r.Port > 65535 {
		r.Port = defaultRedisPort
	}
	if r.DB == 0 {
		r.DB, _ = strconv.Atoi(get("DB"))
	}
	fill(&r.Username, get("USERNAME"))
	fill(&r.MasterName, get("SERVICE_NAME"))
	fillSecret(&r.Password, get("PASSWORD"))
	fillSecret(&r.SentinelPassword, get("SENTINEL_PASSWORD"))
	r.TLS = r.TLS || strings.EqualFold(get("SSL"), "true")
	for _, secret := range r.secrets() {
		l.report.mask.learn(secret)
	}
}

func fill(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

func fillSecret(s *Secret, value string) {
	if !s.IsSet() {
		*s = NewSecret(value)
	}
}

// nodesFromText reads a JSON list of [host, port] or {"host", "port"}, as LiteLLM's
// variables hold it.
func nodesFromText(text string) []string {
	var pairs [][2]any
	if json.Unmarshal([]byte(text), &pairs) != nil {
		var maps []struct{ Host, Port any }
		_ = json.Unmarshal([]byte(text), &maps) // what is neither names no node
		for _, m := range maps {
			pairs = append(pairs, [2]any{m.Host, m.Port})
		}
	}
	var out []string
	for _, p := range pairs {
		host, _ := p[0].(string)
		port, _ := p[1].(float64)
		if s, ok := p[1].(string); ok {
			port, _ = strconv.ParseFloat(s, 64)
		}
		if host != "" {
			out = append(out, joinPort(host, int(port)))
		}
	}
	return out
}

// redisSignIn names a way to sign in that is not there, "" for none.
func (l *loader) redisSignIn(root *node) string {
	if !root.get("litellm_settings").get("cache_params").get("gcp_service_account").isNull() {
		return "a Google service account"
	}
	if token, ok := l.env.lookup("REDIS_AZURE_AD_TOKEN"); ok && strings.EqualFold(token, "true") {
		return "Azure AD"
	}
	return ""
}
