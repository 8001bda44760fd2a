// SPDX-License-Identifier: Apache-2.0
//
// Where SQLite's exceptions end: every body that talks to SQLite runs inside guarded(), which turns what is thrown into
// an Error. Private to core/store.
#pragma once

#include "core/base/error.h"

#include <SQLiteCpp/Database.h>
#include <SQLiteCpp/Exception.h>

#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

namespace hearth::core {

/// The code for an errno of a failed open or write on the database, its folder or its journal.
[[nodiscard]] ErrorCode codeForErrno(int error);

/// Makes the search index anew and logs why; throws what SQLite throws.
void repairIndex(SQLite::Database& database, std::string_view doing, const SQLite::Exception& exception);

/// `handle` may be null (opening failed); with it the system's own error number is looked at too.
[[nodiscard]] Error toError(const SQLite::Exception& exception, sqlite3* handle, std::string_view doing);

/// Runs `body`, which returns a Result. `doing` names the action in the error's message.
template <class Body>
[[nodiscard]] std::invoke_result_t<Body> guarded(SQLite::Database& database, std::string_view doing, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (const SQLite::Exception& exception) {
        return std::unexpected(toError(exception, database.getHandle(), doing));
    } catch (const std::bad_alloc&) {
        return fail(ErrorCode::OutOfMemory, std::string(doing));
    }
}

/// True when the search index contradicts itself or the messages; everything else in the file may be sound.
[[nodiscard]] bool isIndexDamage(const SQLite::Exception& exception);

/// guarded() for what reads or writes the search index, also by triggers: a damaged one is made anew from the messages and
/// `body` runs again. It must not have used anything up.
template <class Body>
[[nodiscard]] std::invoke_result_t<Body> guardedWithIndex(SQLite::Database& database, std::string_view doing, Body&& body) {
    return guarded(database, doing, [&]() -> std::invoke_result_t<Body> {
        try {
            return body();
        } catch (const SQLite::Exception& exception) {
            if (!isIndexDamage(exception)) throw;
            repairIndex(database, doing, exception);
        }
        return body();
    });
}

} // namespace hearth::core
