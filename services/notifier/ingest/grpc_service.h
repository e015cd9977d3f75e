// The gRPC door: NotifierService over Ingest and the store. Synchronous: it waits for our own disk
// alone, on a bounded number of threads.
#ifndef SERVICES_NOTIFIER_INGEST_GRPC_SERVICE_H_
#define SERVICES_NOTIFIER_INGEST_GRPC_SERVICE_H_

#include <understudy/notifier/v1/notifier_service.grpc.pb.h>

#include <atomic>
#include <functional>

#include "services/notifier/ingest/ingest.h"
#include "services/notifier/store/store.h"

namespace understudy::notifier {

// Of a request: 500 events with every text at its limit.
inline constexpr int kMaxRequestBytes = 8 << 20;
// Calls at once, each with a thread, which wait for the disk. Further ones are told to come back
// later; the server needs some threads more to say so.
inline constexpr int kMaxGrpcCalls = 128;
inline constexpr int kMaxGrpcThreads = 2 * kMaxGrpcCalls;

class GrpcService final : public v1::NotifierService::Service {
 public:
  // Both must outlive it.
  GrpcService(Ingest& ingest, Store& store) : ingest_(ingest), store_(store) {}

  grpc::Status ReportErrorEvents(grpc::ServerContext* context,
                                 const v1::ReportErrorEventsRequest* request,
                                 v1::ReportErrorEventsResponse* response) override;
  grpc::Status ListErrorEvents(grpc::ServerContext* context,
                               const v1::ListErrorEventsRequest* request,
                               v1::ListErrorEventsResponse* response) override;
  grpc::Status ListErrorGroups(grpc::ServerContext* context,
                               const v1::ListErrorGroupsRequest* request,
                               v1::ListErrorGroupsResponse* response) override;

 private:
  // What `answer` returns, if there is a seat for the call.
  grpc::Status Seated(const std::function<grpc::Status()>& answer);
  grpc::Status Report(const v1::ReportErrorEventsRequest& request,
                      v1::ReportErrorEventsResponse& response);
  grpc::Status ListEvents(const v1::ListErrorEventsRequest& request,
                          v1::ListErrorEventsResponse& response);
  grpc::Status ListGroups(const v1::ListErrorGroupsRequest& request,
                          v1::ListErrorGroupsResponse& response);

  Ingest& ingest_;
  Store& store_;
  std::atomic<int> calls_ = 0;
};

}  // namespace understudy::notifier

#endif  // SERVICES_NOTIFIER_INGEST_GRPC_SERVICE_H_
