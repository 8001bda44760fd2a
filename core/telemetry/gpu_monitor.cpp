#include "core/telemetry/gpu_monitor.h"
