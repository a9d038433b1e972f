#pragma once

/// Object stores as file systems.
///
/// S3 is configured as every tool of its kind is: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
/// AWS_SESSION_TOKEN, else the profile of ~/.aws (AWS_PROFILE), else the machine's or the pod's
/// role; AWS_REGION or AWS_DEFAULT_REGION, else the region that the bucket is in;
/// AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL for stores that speak S3. One chain finds the
/// credentials, Arrow's, and hands them on to conditional puts.
///
/// Requests that fail in a way that may pass (throttling, 5xx, a lost connection, a timeout) are
/// tried AWS_MAX_ATTEMPTS times, without it 9 times, with growing, jittered pauses of half a minute
/// in all; each try counts in Location::retries.

#include <string>

#include <arrow/result.h>

#include "storage/location.h"

namespace tidemill {

/// The location of a URI whose scheme is not `file`. Errors (kInvalid) for unknown schemes and a
/// missing bucket. Credentials in the URI are refused, since URIs are shown.
arrow::Result<Location> RemoteLocation(const std::string& uri, const std::string& scheme);

/// Ends what RemoteLocation started. A program calls it before it leaves main(): later the
/// libraries behind it are half gone.
void CloseRemoteFileSystems();

/// How many requests are worth having under way at once: an object store answers late, but many at
/// a time.
inline constexpr int kRemoteRequests = 16;

}  // namespace tidemill
