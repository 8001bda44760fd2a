// SPDX-License-Identifier: Apache-2.0
//
// Logging goes through spdlog's default logger, which app/logging_setup configures.
// error = the user's action failed; warning = worked around; info = once per user action; debug = once per generation;
// trace = per token. Prompt and answer text never above trace: it is private.
#pragma once

#include <spdlog/spdlog.h>
