// Command asuser runs a program as the user nobody, with no capability but those that are named.
//
// usage: asuser CAPABILITY[,CAPABILITY]...|none PROGRAM [ARGUMENT]...
//
// It does what setpriv of util-linux does, in kernels that have no more than busybox, on any architecture.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

const nobody = 65534

// Source: include/uapi/linux/capability.h.
var capabilities = map[string]uintptr{
	"dac_read_search": 2,
	"sys_ptrace":      19,
	"sys_admin":       21,
	"perfmon":         38,
	"bpf":             39,
}

func named(list string) []uintptr {
	var numbers []uintptr
	for _, name := range strings.Split(list, ",") {
		number, isKnown := capabilities[name]
		if name == "none" {
			continue
		}
		if !isKnown {
			fail(fmt.Errorf("no capability is called %q", name))
		}
		numbers = append(numbers, number)
	}
	return numbers
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "asuser:", err)
	os.Exit(127)
}

func main() {
	if len(os.Args) < 3 {
		fail(errors.New("usage: asuser CAPABILITIES|none PROGRAM [ARGUMENT]..."))
	}
	command := exec.Command(os.Args[2], os.Args[3:]...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: nobody, Gid: nobody},
		AmbientCaps: named(os.Args[1]),
	}
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fail(err)
	}
}
