// The lab's server on Go's net/http, as setup.json says, on a free loopback port.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
)

type setup struct {
	Asks   string   `json:"asks"`
	Low    string   `json:"low"`
	High   string   `json:"high"`
	Names  []string `json:"names"`
	Plain  bool     `json:"plain"`
	Status int      `json:"status"`
	Page   string   `json:"page"`
}

var versions = map[string]uint16{
	"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11,
	"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

var asks = map[string]tls.ClientAuthType{
	"require": tls.RequireAndVerifyClientCert, "optional": tls.VerifyClientCertIfGiven,
	"no": tls.NoClientCert,
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func context(told setup) *tls.Config {
	own, err := tls.LoadX509KeyPair("chain.pem", "key.pem")
	must(err)
	trust, err := os.ReadFile("trust.pem")
	must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trust)
	made := &tls.Config{
		Certificates: []tls.Certificate{own}, ClientCAs: pool, ClientAuth: asks[told.Asks],
		MinVersion: versions[told.Low], MaxVersion: versions[told.High],
	}
	if len(told.Names) > 0 {
		made.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			for _, name := range told.Names {
				if hello.ServerName == name {
					return nil, nil
				}
			}
			return nil, errors.New("no such name")
		}
	}
	return made
}

func main() {
	text, err := os.ReadFile("setup.json")
	must(err)
	var told setup
	must(json.Unmarshal(text, &told))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(told.Status)
		fmt.Fprint(w, told.Page)
	})}
	fmt.Printf("listening on 127.0.0.1:%d\n", listener.Addr().(*net.TCPAddr).Port)
	if told.Plain {
		must(server.Serve(listener))
	}
	server.TLSConfig = context(told)
	must(server.ServeTLS(listener, "", ""))
}
