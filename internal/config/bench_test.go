package config

import (
	"os"
	"testing"
)

func BenchmarkLoad(b *testing.B) {
	for _, name := range []string{"clients", "golden-key"} {
		b.Run(name, func(b *testing.B) {
			data, err := os.ReadFile("testdata/recorded/" + name + ".yaml")
			if err != nil {
				b.Fatal(err)
			}
			o := world{files: map[string]string{"litellm_config.yaml": string(data)}}.options()
			b.ReportAllocs()
			for b.Loop() {
				if cfg, _ := Load(o); cfg == nil {
					b.Fatal("no Config")
				}
			}
		})
	}
}
