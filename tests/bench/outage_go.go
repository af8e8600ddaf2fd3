// SPDX-License-Identifier: Apache-2.0

// The efficient peer of the outage benchmark: Go's net/http, standard library alone. It keeps nothing, reads no answer
// but its status, and asks for no token. It is built by tests/bench/outage where Go is there, and is no part of the
// project's own build.
//
// usage: outage_go FHIR_BASE CA ITEMS BATCH CONNECTIONS
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
)

const mediaType = "application/fhir+json"

type resource struct {
	Identifier []struct {
		System string `json:"system"`
		Value  string `json:"value"`
	} `json:"identifier"`
}

func fail(what error) {
	fmt.Fprintln(os.Stderr, "outage_go:", what)
	os.Exit(1)
}

// The condition that keeps an item from being stored twice, which each client of this benchmark sends.
func searchOf(line []byte) string {
	var read resource
	if err := json.Unmarshal(line, &read); err != nil || len(read.Identifier) == 0 {
		fail(fmt.Errorf("an item without an identifier: %v", err))
	}
	return "identifier=" + url.QueryEscape(read.Identifier[0].System+"|"+read.Identifier[0].Value)
}

func bundleOf(lines [][]byte) []byte {
	var body bytes.Buffer
	body.WriteString(`{"resourceType":"Bundle","type":"batch","entry":[`)
	for number, line := range lines {
		if number > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"resource":%s,"request":{"method":"POST","url":"Observation","ifNoneExist":"%s"}}`, line,
			searchOf(line))
	}
	body.WriteString("]}")
	return body.Bytes()
}

func post(client *http.Client, base string, lines [][]byte, batch int) {
	target, body := base, []byte(nil)
	if batch > 1 {
		body = bundleOf(lines)
	} else {
		target, body = base+"/Observation", lines[0]
	}

	request, err := http.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		fail(err)
	}
	request.Header.Set("Content-Type", mediaType)
	request.Header.Set("Accept", mediaType)
	request.Header.Set("Authorization", "Bearer a-token")
	if batch == 1 {
		request.Header.Set("If-None-Exist", searchOf(lines[0]))
	}

	answer, err := client.Do(request)
	if err != nil {
		fail(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		fail(fmt.Errorf("HTTP %d", answer.StatusCode))
	}
}

func main() {
	if len(os.Args) != 6 {
		fail(fmt.Errorf("usage: FHIR_BASE CA ITEMS BATCH CONNECTIONS"))
	}
	batch, _ := strconv.Atoi(os.Args[4])
	connections, _ := strconv.Atoi(os.Args[5])
	certificate, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots}, MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections}}

	file, err := os.Open(os.Args[3])
	if err != nil {
		fail(err)
	}
	work := make(chan [][]byte)
	var workers sync.WaitGroup
	for range connections {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for lines := range work {
				post(client, os.Args[1], lines, batch)
			}
		}()
	}

	sent := 0
	waiting := [][]byte(nil)
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		waiting = append(waiting, bytes.Clone(scanner.Bytes()))
		sent++
		if len(waiting) == batch {
			work <- waiting
			waiting = nil
		}
	}
	if len(waiting) > 0 {
		work <- waiting
	}
	close(work)
	workers.Wait()
	fmt.Println(sent)
}
