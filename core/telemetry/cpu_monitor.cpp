#include "core/telemetry/cpu_monitor.h"
