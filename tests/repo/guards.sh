#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Holds the rules of ARCHITECTURE.md that a text search can hold: include arrows, forbidden constructs, file heads and
# sizes, the map against the tree. Usage: guards.sh ROOT
set -uo pipefail
cd "$1" || exit 1
failures=0

broken() { # RULE, OFFENDING LINES
    [ -z "$2" ] && return
    printf 'BROKEN: %s\n%s\n\n' "$1" "$2"
    failures=$((failures + 1))
}

sources=$(find app core kernels tests ui -name '*.cpp' -o -name '*.h' -o -name '*.hip' | sort)
[ -n "$sources" ] || { echo "no sources found below $1"; exit 1; }

# Include arrows: app -> ui -> core -> kernels.
broken 'kernels/ includes nothing of core, ui or app' "$(grep -rnE '#include "(core|ui|app|tests)/' kernels)"
broken 'core/ includes nothing of ui or app' "$(grep -rnE '#include "(ui|app|tests)/' core)"
broken 'ui/ includes nothing of app' "$(grep -rnE '#include "(app|tests)/' ui)"
broken 'ui/ includes of core only base, chat, engine, store, catalog, telemetry' "$(grep -rnE '#include "core/(gguf|tokenizer|model)/' ui)"
broken 'ui/ includes nothing of kernels' "$(grep -rnE '#include "kernels/' ui)"
broken 'Qt only in app/ and ui/ (and tests)' "$(grep -rnE '#include <Q[A-Z]' core kernels app/cli)"
broken 'ui/bridge and ui/models use QtCore only' "$(grep -rnE '#include <(QWidget|QApplication|QPainter|QDialog|QIcon|QPixmap|QFont|QColor)' ui/bridge ui/models)"
broken 'SQLite only in core/store' "$(grep -rnE '#include [<"](sqlite3|SQLiteCpp)' app core kernels ui | grep -v '^core/store/')"
broken 'HIP only in kernels/' "$(grep -rnE '#include [<"]hip/' app core ui)"

# Constructs that have bitten others.
# (Qt D-Bus offers connections by name only: the one SLOT is there.)
broken 'no blocking connection, nested event loop, string-based signal' \
    "$(grep -rnE 'BlockingQueuedConnection|processEvents\(|moveToThread\(this\)|[^A-Z_]SIGNAL\(|[^A-Z_]SLOT\(' app ui |
        grep -v '^ui/style/desktop_appearance.cpp:.*SLOT(onPortalSettingChanged')"
broken 'no std::abort or exit in the program' "$(grep -rnE '(^|[^_a-zA-Z.:>])(std::abort|abort|exit)\(' app core kernels ui)"
broken 'no mutex in ui/' "$(grep -rnE 'QMutex|std::mutex|QReadWriteLock' ui)"

# Heads, sizes, unfinished work.
broken 'every source begins with its licence line' "$(for f in $sources; do head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' || echo "$f"; done)"
broken 'no source of 1,000 lines' "$(wc -l $sources | awk '$2 != "total" && $1 >= 1000 {print $2 ": " $1}')"
broken 'no unfinished words' "$(grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $sources)"
broken 'no absolute path of a machine' "$(grep -rnE '"/(home|root|work|scratch)/' $sources)"

# The map.
broken 'every folder of the map exists' "$(sed -n '/^```/,/^```/p' ARCHITECTURE.md | grep -oE '^ *[a-z_]+(/[a-z_]+)*/ ' | tr -d ' ' | sort -u |
    while read -r folder; do find . -path ./build -prune -o -type d -path "*/${folder%/}" -print -quit | grep -q . || echo "$folder"; done)"
broken 'every folder of the source stands in the map' "$(for folder in app ui core kernels resources tests packaging core/*/ ui/*/ kernels/*/; do
    [ -d "$folder" ] && { grep -qE "(^|[ /])$(basename "$folder")/" ARCHITECTURE.md || echo "$folder"; }; done)"

if [ "$failures" -gt 0 ]; then
    echo "$failures rules broken"
    exit 1
fi
echo "all rules hold over $(printf '%s\n' "$sources" | wc -l) sources"
