package doctor

import (
	"os"
	"path/filepath"
	"testing"
)

func TestPortsOwnerIsFoundInProc(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("net/tcp", "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"+
		"   0: 0100007F:0FA0 00000000:0000 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0\n"+
		"   1: 00000000:0FA0 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0\n")
	write("self/comm", "not a number\n")
	write("41/comm", "sh\n")
	write("42/comm", "ng\x1binx\n")
	for pid, target := range map[string]string{"41": "socket:[111]", "42": "socket:[222]"} {
		if err := os.MkdirAll(filepath.Join(root, pid, "fd"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(root, pid, "fd", "3")); err != nil {
			t.Skip("no symbolic links here")
		}
	}
	if got := listenerIn(root, 4000); got != "nginx, pid 42" {
		t.Errorf("got %q", got)
	}
	if got := listenerIn(root, 4001); got != "" {
		t.Errorf("a free port belongs to %q", got)
	}
	if got := listenerIn(filepath.Join(root, "none"), 4000); got != "" {
		t.Errorf("without /proc it is %q", got)
	}
}
