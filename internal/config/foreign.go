package config

import (
	"slices"
	"strings"
)

// notOurs recognises files that are something else than a LiteLLM
// configuration, and says what to do with them. main is set for the file that
// was asked for; an included one may hold less.
func notOurs(doc document, main bool) (sentence, remedy string) {
	root := doc.root
	switch {
	case root.get("apiVersion") != nil && root.get("kind") != nil:
		return "This is a Kubernetes manifest (kind " + root.get("kind").show() + "), not a LiteLLM configuration.",
			"Extract the text below `data` (kubectl get configmap NAME -o jsonpath=…) into a file of its own."
	case doc.several:
		return "The file holds several YAML documents; a configuration is one.", "Split the file at its `---` lines."
	case root.kind == nullKind:
		return "The file is empty.", "Write a `model_list`, or start without --config to try the built-in demo models."
	case root.kind == listKind:
		return listRoot(root)
	case root.kind != mapKind:
		return scalarRoot(doc)
	case !main || knownRoot(root):
		return "", ""
	}
	return strangeRoot(doc)
}

// listRoot says what a file is whose root is a list.
func listRoot(root *node) (sentence, remedy string) {
	if isPlaybook(root) {
		return "This is a list of Ansible plays or tasks, not a LiteLLM configuration.", "Use the file that the playbook writes."
	}
	return "The root of the file is a list; a configuration is a map with keys such as model_list.", "Put `model_list:` above the list."
}

func scalarRoot(doc document) (sentence, remedy string) {
	if sentence, remedy := otherFormat(doc.text); sentence != "" {
		return sentence, remedy
	}
	return "The root of the file is " + doc.root.name() + "; a configuration is a map with keys such as model_list.", "Give the path of a LiteLLM configuration with --config."
}

// knownRoot reports whether a root key is one of LiteLLM's or our own.
func knownRoot(root *node) bool {
	return slices.ContainsFunc(root.fields, func(f field) bool {
		_, known := registry()["root"][f.key]
		return known
	})
}

// strangeRoot says what a map is of which no root key is LiteLLM's: nothing in
// it could have an effect.
func strangeRoot(doc document) (sentence, remedy string) {
	root := doc.root
	switch {
	case root.get("services") != nil:
		return "This is a Docker Compose file, not a LiteLLM configuration.", "Give the file that the compose file mounts."
	case root.get("proxy_config") != nil:
		return "These are the values of LiteLLM's Helm chart, not a LiteLLM configuration.", "Put what stands below `proxy_config` into a file of its own."
	}
	if sentence, remedy := otherFormat(doc.text); sentence != "" {
		return sentence, remedy
	}
	if at := sectionBelow(root, "", 0); at != "" {
		return "The configuration stands below `" + at + "` instead of at the root of the file.", "Put what stands below `" + at + "` into a file of its own, at the left margin."
	}
	if len(root.fields) == 0 {
		return "The file is empty.", "Write a `model_list`, or start without --config to try the built-in demo models."
	}
	remedy = "A configuration has root keys such as model_list, litellm_settings and general_settings."
	for i := range root.fields[:min(len(root.fields), 5)] {
		if near := didYouMean(root.fields[i].key, sectionKeys("root")); near != "" {
			remedy = near
		}
	}
	return "None of the root keys of this file is a key of LiteLLM's configuration, so nothing in it has an effect (" + someKeys(root) + ").", remedy
}

// sectionBelow returns the path of a map that holds a model_list.
func sectionBelow(n *node, path string, depth int) string {
	if n == nil || depth > 4 {
		return ""
	}
	if path != "" && n.get("model_list") != nil {
		return path
	}
	for i := range n.fields {
		if at := sectionBelow(n.fields[i].val, child(path, n.fields[i].key), depth+1); at != "" {
			return at
		}
	}
	return ""
}

// someKeys lists the first keys of a map.
func someKeys(n *node) string {
	const most = 5
	var keys []string
	for i := range n.fields[:min(len(n.fields), most)] {
		keys = append(keys, clip(n.fields[i].key))
	}
	if len(n.fields) > most {
		keys = append(keys, "…")
	}
	return strings.Join(keys, ", ")
}

func isPlaybook(root *node) bool {
	for _, item := range root.items {
		for _, key := range []string{"hosts", "tasks", "ansible.builtin.copy", "ansible.builtin.template", "block", "when", "roles"} {
			if item.get(key) != nil {
				return true
			}
		}
	}
	return false
}
