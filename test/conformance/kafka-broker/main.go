// A Kafka broker for tests: franz-go's kfake on one port of loopback, its log on disk, so that it can be killed and
// started again.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	port := flag.Int("port", 0, "port on 127.0.0.1")
	data := flag.String("data", "", "folder for the log")
	partitions := flag.Int("partitions", 3, "partitions of each topic")
	flag.Parse()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(*port), kfake.DataDir(*data), kfake.SyncWrites(),
		kfake.SeedTopics(int32(*partitions), flag.Args()...))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(cluster.ListenAddrs()[0])
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
	cluster.Close()
}
