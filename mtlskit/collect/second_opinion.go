// Asks Go's crypto/x509 about chains, at a given time.
// Reads a folder: questions.txt with lines "number role seconds", and for each number
// NUMBER.chain.pem (leaf first, as sent), NUMBER.anchors.pem and NUMBER.name.txt (the name that the
// leaf must carry, or nothing). Prints "number<TAB>A|R|?<TAB>words".

package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	folder := os.Args[1]
	text, err := os.ReadFile(filepath.Join(folder, "questions.txt"))
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		var number, role string
		var seconds int64
		fmt.Sscan(line, &number, &role, &seconds)
		verdict, words := answer(filepath.Join(folder, number), role, time.Unix(seconds, 0))
		fmt.Printf("%s\t%s\t%s\n", number, verdict, strings.Join(strings.Fields(words), " "))
	}
}

func answer(stem, role string, at time.Time) (string, string) {
	chain, err := read(stem + ".chain.pem")
	if err != nil {
		return "R", "not read: " + err.Error()
	}
	anchors, _ := read(stem + ".anchors.pem") // as AppendCertsFromPEM does, without a word
	usage := x509.ExtKeyUsageClientAuth
	if role == "server" {
		usage = x509.ExtKeyUsageServerAuth
	}
	roots, sent := x509.NewCertPool(), x509.NewCertPool()
	for _, one := range anchors {
		roots.AddCert(one)
	}
	for _, one := range chain[1:] {
		sent.AddCert(one)
	}
	name, err := os.ReadFile(stem + ".name.txt")
	if err != nil {
		panic(err)
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: sent, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{usage}, DNSName: string(name)}
	if _, err := chain[0].Verify(options); err != nil {
		return "R", err.Error()
	}
	return "A", "accepted"
}

func read(path string) ([]*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var found []*x509.Certificate
	var unread error
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		one, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			unread = err
			continue
		}
		found = append(found, one)
	}
	return found, unread
}
