// Command gen turns LiteLLM's price map into the packed table that package
// catalog embeds. It is run by hand when a newer map is wanted:
//
//	MODEL_PRICES=/path/to/model_prices_and_context_window.json go generate ./internal/catalog
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/fairlead-gateway/fairlead/internal/catalog/pack"
)

func main() {
	in := flag.String("in", "", "LiteLLM's model_prices_and_context_window.json")
	out := flag.String("out", "data/models.pack", "where to write the packed table")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(in, out string) error {
	if in == "" {
		return fmt.Errorf("name the price map with -in (go generate takes it from $MODEL_PRICES)")
	}
	source, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	data, err := convert(source)
	if err != nil {
		return fmt.Errorf("%s: %w", in, err)
	}
	return os.WriteFile(out, data, 0o644)
}

// reserved are keys of the map that name no model.
var reserved = map[string]bool{"sample_spec": true, "fallback_generalizations": true}

// bulky are fields for people; no program here reads them.
var bulky = map[string]bool{"source": true, "comment": true, "metadata": true}

// convert packs the JSON text of a price map. Numbers keep their text, because
// prices never pass through a float.
func convert(source []byte) ([]byte, error) {
	var models map[string]map[string]json.RawMessage
	if err := json.Unmarshal(source, &models); err != nil {
		return nil, err
	}
	records := map[string]map[string]string{}
	for key, fields := range models {
		if reserved[key] {
			continue
		}
		record, err := compact(fields)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		records[key] = record
	}
	return pack.Encode(records)
}

func compact(fields map[string]json.RawMessage) (map[string]string, error) {
	record := map[string]string{}
	for name, value := range fields {
		if bulky[name] {
			continue
		}
		var b bytes.Buffer
		if err := json.Compact(&b, value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		record[name] = b.String()
	}
	return record, nil
}
