// Command gopeer is the router's peer of the benchmark: the service a team would write in its place,
// with the libraries everybody takes. The same call comes in by the same gRPC; the primary URL is asked,
// and the fallback URL when that fails. What it does for a call is what the router does for it: requests
// are signed, documents are parsed, calls are counted and logged. It has none of the rest: no egress
// rule, no overrides, no warnings, no events, no sessions.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	routerv1 "gopeer/routerv1"
)

const (
	defaultDocument = "<Response><Say>We are sorry, an application error has occurred. Goodbye.</Say></Response>"
	maxTries        = 2
)

var (
	resolutions = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "understudy_resolutions_total", Help: "Calls answered, by who answered.",
	}, []string{"kind", "source"})
	resolutionSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "understudy_resolution_duration_seconds", Help: "From a call's request to its document.",
	}, []string{"kind", "source"})
	attempts = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "understudy_attempts_total", Help: "Requests to web servers, by the error they ended in.",
	}, []string{"target", "error_code"})
	attemptSeconds = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Name: "understudy_attempt_duration_seconds", Help: "One request to a web server.",
	}, []string{"target"})
)

// Handler says who answers for a number.
type Handler struct {
	URL         string `json:"url"`
	FallbackURL string `json:"fallback_url"`
}

type service struct {
	routerv1.UnimplementedRouterServiceServer
	numbers map[string]Handler
	fetcher *fetcher
}

func (s *service) ResolveTwiML(ctx context.Context, request *routerv1.ResolveTwiMLRequest) (*routerv1.ResolveTwiMLResponse, error) {
	begun := time.Now()
	handler, found := s.numbers[request.GetPhoneNumber()]
	if !found {
		return nil, status.Error(codes.NotFound, "phone_number is not among the configured numbers")
	}
	form := make(url.Values, len(request.GetParameters())+2)
	for name, value := range request.GetParameters() {
		form.Set(name, value)
	}

	response := &routerv1.ResolveTwiMLResponse{
		ResolutionId: strconv.FormatUint(rand.Uint64(), 16) + strconv.FormatUint(rand.Uint64(), 16),
	}
	source := "primary"
	if s.ask(ctx, response, routerv1.Target_TARGET_PRIMARY, handler.URL, form) {
		response.Source = routerv1.Source_SOURCE_PRIMARY
	} else {
		form.Set("ErrorCode", strconv.Itoa(int(response.ErrorCode)))
		form.Set("ErrorUrl", response.ErrorUrl)
		if s.ask(ctx, response, routerv1.Target_TARGET_FALLBACK, handler.FallbackURL, form) {
			source = "fallback"
			response.Source = routerv1.Source_SOURCE_FALLBACK
		} else {
			source = "default"
			response.Source = routerv1.Source_SOURCE_DEFAULT
			response.Twiml = defaultDocument
		}
	}

	kind := kindName(request.GetKind())
	took := time.Since(begun)
	resolutions.WithLabelValues(kind, source).Inc()
	resolutionSeconds.WithLabelValues(kind, source).Observe(took.Seconds())
	slog.LogAttrs(ctx, slog.LevelInfo, "resolution",
		slog.String("resolution_id", response.ResolutionId),
		slog.String("account_sid", request.GetAccountSid()),
		slog.String("kind", kind),
		slog.String("source", source),
		slog.Int("error_code", int(response.ErrorCode)),
		slog.String("error_url", response.ErrorUrl),
		slog.Int("attempts", len(response.Attempts)),
		slog.Float64("duration_ms", took.Seconds()*1000))
	return response, nil
}

// ask asks for one URL's document, once more if there is no connection, as Twilio does; false if there
// is none.
func (s *service) ask(ctx context.Context, response *routerv1.ResolveTwiMLResponse, target routerv1.Target, address string, form url.Values) bool {
	for tries := 1; ; tries++ {
		failure := s.attempt(ctx, response, target, address, form)
		if failure == nil {
			return true
		}
		if failure.code != codeConnection || tries == maxTries {
			return false
		}
	}
}

// attempt makes one request and puts what came of it into the response.
func (s *service) attempt(ctx context.Context, response *routerv1.ResolveTwiMLResponse, target routerv1.Target, address string, form url.Values) *failure {
	begun := time.Now()
	result := s.fetcher.fetch(ctx, address, form, response.ResolutionId)
	took := time.Since(begun)

	attempt := &routerv1.Attempt{
		Target:     target,
		Url:        address,
		Method:     routerv1.Method_METHOD_POST,
		HttpStatus: int32(result.status),
		Total:      durationpb.New(took),
	}
	response.Attempts = append(response.Attempts, attempt)
	failure := result.failure
	if failure != nil {
		attempt.ErrorCode = int32(failure.code)
		attempt.Phase = failure.phase
		attempt.Detail = failure.detail
		if response.ErrorCode == 0 {
			response.ErrorCode = attempt.ErrorCode
			response.ErrorUrl = address
		}
	} else {
		response.Twiml = result.document
		response.DocumentUrl = result.url
	}
	name := strings.ToLower(strings.TrimPrefix(target.String(), "TARGET_"))
	attempts.WithLabelValues(name, strconv.Itoa(int(attempt.ErrorCode))).Inc()
	attemptSeconds.WithLabelValues(name).Observe(took.Seconds())
	return failure
}

func kindName(kind routerv1.Kind) string {
	if kind == routerv1.Kind_KIND_MESSAGING {
		return "messaging"
	}
	return "voice"
}

func run() error {
	listen := flag.String("listen", "127.0.0.1:50051", "address of the gRPC service")
	admin := flag.String("admin", "127.0.0.1:9090", "address of the metrics")
	numbersFile := flag.String("numbers", "", "JSON: for each number its url and fallback_url")
	tokenFile := flag.String("auth-token", "", "file with the token that signs requests")
	flag.Parse()
	slog.SetDefault(slog.New(slog.NewJSONHandler(os.Stderr, nil)))

	token, err := os.ReadFile(*tokenFile)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(*numbersFile)
	if err != nil {
		return err
	}
	numbers := map[string]Handler{}
	if err := json.Unmarshal(text, &numbers); err != nil {
		return err
	}

	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	routerv1.RegisterRouterServiceServer(server, &service{numbers: numbers, fetcher: newFetcher(token)})
	go func() {
		http.Handle("/metrics", promhttp.Handler())
		slog.Error("the admin port", "error", http.ListenAndServe(*admin, nil))
		os.Exit(1)
	}()
	return server.Serve(listener)
}

func main() {
	if err := run(); err != nil {
		slog.Error(err.Error())
		os.Exit(1)
	}
}
