package doctor

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// procRoot is where Linux tells about processes; elsewhere there is nothing there.
const procRoot = "/proc"

// listenerProcess names the program that listens on a TCP port, "" when the system
// does not tell (another system, another user's process).
func listenerProcess(port int) string { return listenerIn(procRoot, port) }

func listenerIn(root string, port int) string {
	inodes := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		f, err := os.Open(filepath.Join(root, "net", table))
		if err != nil {
			continue
		}
		listeningInodes(f, port, inodes)
		_ = f.Close() // opened for reading
	}
	if len(inodes) == 0 {
		return ""
	}
	return holder(root, inodes)
}

// stateListen is TCP_LISTEN in /proc/net/tcp.
const stateListen = "0A"

// listeningInodes collects the sockets of a table that listen on the port.
func listeningInodes(table io.Reader, port int, inodes map[string]bool) {
	suffix := fmt.Sprintf(":%04X", port)
	lines := bufio.NewScanner(io.LimitReader(table, 8<<20))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) > 9 && strings.HasSuffix(f[1], suffix) && f[3] == stateListen {
			inodes["socket:["+f[9]+"]"] = true
		}
	}
}

// maxProcesses bounds the search for the owner of a socket.
const maxProcesses = 4096

// holder finds the process that holds one of the sockets.
func holder(root string, inodes map[string]bool) string {
	entries, err := os.ReadDir(root)
	if err != nil {
		return ""
	}
	for i, e := range entries {
		if i == maxProcesses {
			return ""
		}
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		if holds(filepath.Join(root, e.Name(), "fd"), inodes) {
			name, err := os.ReadFile(filepath.Join(root, e.Name(), "comm"))
			if err != nil {
				return ""
			}
			return process(printable(strings.TrimSpace(string(name))), e.Name())
		}
	}
	return ""
}

func holds(dir string, inodes map[string]bool) bool {
	fds, err := os.ReadDir(dir)
	if err != nil {
		return false
	}
	for _, fd := range fds {
		if target, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil && inodes[target] {
			return true
		}
	}
	return false
}
