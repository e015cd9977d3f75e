package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	routerv1 "gopeer/routerv1"
)

const (
	connectTimeout   = 5 * time.Second
	readTimeout      = 15 * time.Second
	maxDocumentBytes = 65536
	maxIdlePerHost   = 20000
)

// Twilio's codes for what can go wrong.
const (
	codeRetrieval   = 11200
	codeConnection  = 11205
	codeNotXML      = 12100
	codeNotResponse = 12102
	codeContentType = 12300
)

type failure struct {
	code   int
	phase  routerv1.Phase
	detail string
}

type result struct {
	status   int
	document string
	url      string // that the document came from
	failure  *failure
}

type fetcher struct {
	client *http.Client
	token  []byte
}

func newFetcher(token []byte) *fetcher {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: connectTimeout}).DialContext,
		MaxIdleConnsPerHost: maxIdlePerHost, // the default of 2 would close most connections
		IdleConnTimeout:     60 * time.Second,
	}
	return &fetcher{client: &http.Client{Transport: transport, Timeout: readTimeout}, token: token}
}

func (f *fetcher) fetch(ctx context.Context, address string, form url.Values, idempotencyToken string) result {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return failed(0, codeRetrieval, routerv1.Phase_PHASE_CONNECT, err.Error())
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	request.Header.Set("Accept", "*/*")
	request.Header.Set("User-Agent", "gopeer/1.0 (compatible; TwilioProxy/1.1)")
	request.Header.Set("I-Twilio-Idempotency-Token", idempotencyToken)
	request.Header.Set("X-Twilio-Signature", f.sign(address, form))

	response, err := f.client.Do(request)
	if err != nil {
		if errors.Is(err, syscall.ECONNREFUSED) {
			return failed(0, codeConnection, routerv1.Phase_PHASE_CONNECT, err.Error())
		}
		return failed(0, codeRetrieval, routerv1.Phase_PHASE_HEADERS, err.Error())
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxDocumentBytes+1))
	if err != nil || len(body) > maxDocumentBytes {
		return failed(response.StatusCode, codeRetrieval, routerv1.Phase_PHASE_BODY, "the document cannot be read")
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return failed(response.StatusCode, codeRetrieval, routerv1.Phase_PHASE_STATUS,
			fmt.Sprintf("the server answered with status %d", response.StatusCode))
	}
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil || (mediaType != "text/xml" && mediaType != "application/xml" && mediaType != "text/html") {
		return failed(response.StatusCode, codeContentType, routerv1.Phase_PHASE_CONTENT,
			fmt.Sprintf("the content type %q is not one of TwiML", mediaType))
	}
	document := string(body)
	if failure := check(document); failure != nil {
		return result{status: response.StatusCode, failure: failure}
	}
	return result{status: response.StatusCode, document: document, url: response.Request.URL.String()}
}

func failed(status, code int, phase routerv1.Phase, detail string) result {
	return result{status: status, failure: &failure{code: code, phase: phase, detail: detail}}
}

// check says what is wrong with a document: it has to be well-formed, and its root a Response.
func check(document string) *failure {
	decoder := xml.NewDecoder(strings.NewReader(document))
	root := ""
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &failure{codeNotXML, routerv1.Phase_PHASE_PARSE, err.Error()}
		}
		if start, isStart := token.(xml.StartElement); isStart && root == "" {
			root = start.Name.Local
		}
	}
	if root != "Response" {
		return &failure{codeNotResponse, routerv1.Phase_PHASE_PARSE, "the document's root is not Response"}
	}
	return nil
}

// sign makes the X-Twilio-Signature of a request: over its URL and its sorted parameters.
func (f *fetcher) sign(address string, form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, f.token)
	io.WriteString(mac, address)
	for _, name := range names {
		io.WriteString(mac, name)
		io.WriteString(mac, form.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
