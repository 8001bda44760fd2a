// SPDX-License-Identifier: Apache-2.0
//
// The plain values of core that travel in queued signals. Qt 6 registers a signal's parameter types by itself as long
// as they are complete where the signal is declared; this header makes them so, in one place.
#pragma once

#include "core/base/error.h"
#include "core/catalog/model_library.h"
#include "core/engine/devices.h"
#include "core/engine/generation.h"
#include "core/telemetry/cpu_monitor.h"
#include "core/telemetry/gpu_monitor.h"

#include <QtGlobal>

#include <vector>

namespace hearth::ui {

/// Unique over the life of the client that handed it out; 0 is never one.
using RequestId = quint64;

using ModelCards = std::vector<core::ModelCard>;

} // namespace hearth::ui
