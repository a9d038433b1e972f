#pragma once

namespace tidemill {

/// The text of pipelines/user_engagement.yaml, put into the program when it is built.
extern const char* const kExamplePipeline;

}  // namespace tidemill
