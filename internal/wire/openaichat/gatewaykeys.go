package openaichat

// GatewayKey reports whether a top-level key of a request is for the gateway itself
// and never goes upstream (num_retries, fallbacks, api_key, metadata, …), on whatever
// route it comes.
func GatewayKey(name string) bool {
	k, known := findKey([]byte(name))
	return known && k.class == control
}

// Misspelt returns the key that the gateway acts on and that name equals but for its
// case, or "".
func Misspelt(name string) string { return misspelt(name) }
