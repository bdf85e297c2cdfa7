// Loads a compose file as `docker compose config` does, by the same library: interpolation, merges, and
// whether what it refers to is there.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithProfiles([]string{"*"}))
	if err == nil {
		var project, loaded = options.LoadProject(context.Background())
		if err = loaded; err == nil {
			fmt.Printf("%d services\n", len(project.Services))
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
