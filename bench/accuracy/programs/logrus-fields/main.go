// A line of JSON for each request: WithFields of logrus with four fields on an entry that has three.
package main

import (
	"fmt"
	"io"
	"time"

	"example.com/profiles"
	"github.com/sirupsen/logrus"
)

func main() {
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	logger.SetFormatter(&logrus.JSONFormatter{})
	service := logger.WithFields(logrus.Fields{"service": "checkout", "version": "1.4.2", "zone": "eu-1b"})
	requests := 0
	profiles.Of(func() {
		for range 1000 {
			requests++
			service.WithFields(logrus.Fields{
				"method":   "GET",
				"path":     "/cart",
				"status":   200,
				"duration": time.Duration(requests%1000) * time.Microsecond,
			}).Info("request")
		}
	})
	fmt.Println("requests", requests)
}
