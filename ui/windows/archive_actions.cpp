// SPDX-License-Identifier: Apache-2.0
#include "ui/windows/archive_actions.h"

#include "core/base/units.h"
#include "ui/bridge/store_client.h"
#include "ui/windows/export_document.h"

#include <QDateTime>
#include <QFile>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLocale>

namespace hearth::ui {

namespace {

constexpr qint64 kBackupEveryMs = 24LL * 60 * 60 * 1000;

QString madeAt(const core::Backup& backup) {
    return QLocale().toString(QDateTime::fromMSecsSinceEpoch(backup.madeMs), QLocale::LongFormat);
}

/// A file's name from a title: no separators, nothing hidden, of a length that every file system takes.
QString fileName(const QString& title) {
    QString name = title.simplified();
    for (QChar& c : name) {
        if (c == u'/' || c == u'\\' || c == u':' || c == u'*' || c == u'?' || c == u'"' || c == u'<' || c == u'>' || c == u'|' || c.category() == QChar::Other_Control) c = u'-';
    }
    while (name.startsWith(u'.')) name.remove(0, 1);
    name = name.left(80).trimmed();
    return name.isEmpty() ? QStringLiteral("chat") : name;
}

core::Result<void> writeOne(const QString& path, const core::ArchiveConversation& conversation) {
    const QString title = QString::fromStdString(conversation.title);
    const QString ending = QFileInfo(path).suffix().toLower();
    const std::string markdown = core::toMarkdown(conversation);
    if (ending == u"pdf") return writePdf(path, title, QString::fromStdString(markdown));
    if (ending == u"html" || ending == u"htm") return writeFile(path, toHtmlPage(title, QString::fromStdString(markdown)).toUtf8());
    return writeFile(path, QByteArray::fromStdString(markdown));
}

core::Result<void> writeAll(const QString& path, const std::vector<core::ArchiveConversation>& conversations) {
    if (QFileInfo(path).suffix().compare(u"json", Qt::CaseInsensitive) == 0) return writeFile(path, QByteArray::fromStdString(core::toJson(conversations)));
    if (!QFileInfo(path).isDir()) return conversations.empty() ? core::Result<void>{} : writeOne(path, conversations.front());
    for (const core::ArchiveConversation& conversation : conversations) {
        const QString stem = QFileInfo(path).filePath() + u'/' + fileName(QString::fromStdString(conversation.title));
        QString free = stem + QStringLiteral(".md");
        for (int i = 2; QFile::exists(free); ++i) free = QStringLiteral("%1 (%2).md").arg(stem).arg(i);
        if (auto written = writeOne(free, conversation); !written) return written;
    }
    return {};
}

} // namespace

ArchiveActions::ArchiveActions(StoreClient& store, QWidget& window)
    : QObject(&window)
    , m_store(store)
    , m_window(window) {}

void ArchiveActions::fail(const QString& title, const core::Error& error, const QString& remedy) {
    emit failed(title, QString::fromStdString(error.message), remedy);
}

// --- export ---------------------------------------------------------------------------------------------------------

void ArchiveActions::exportChats(const std::vector<core::ConversationId>& ids, const QString& suggestedName) {
    if (ids.empty()) return;
    auto* dialog = new QFileDialog(&m_window, tr("Export"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    const QStringList endings = ids.size() == 1 ? QStringList{"md", "html", "pdf", "json"} : QStringList{"json"};
    QStringList filters;
    for (const QString& ending : endings) {
        filters << (ending == u"md"     ? tr("Markdown (*.md)")
                    : ending == u"html" ? tr("HTML (*.html)")
                    : ending == u"pdf"  ? tr("PDF (*.pdf)")
                                        : tr("JSON, lossless (*.json)"));
    }
    dialog->setNameFilters(filters);
    dialog->setDefaultSuffix(endings.front());
    connect(dialog, &QFileDialog::filterSelected, dialog, [dialog, filters, endings](const QString& filter) {
        dialog->setDefaultSuffix(endings.value(filters.indexOf(filter)));
    });
    dialog->selectFile(fileName(suggestedName));
    connect(dialog, &QFileDialog::fileSelected, this, [this, ids](const QString& path) { exportTo(path, ids); });
    dialog->open();
}

void ArchiveActions::exportTo(const QString& path, const std::vector<core::ConversationId>& ids) {
    using Archives = std::vector<core::ArchiveConversation>;
    m_store.run(
        this,
        [ids](StoreWorker& worker) -> core::Result<Archives> {
            Archives all;
            for (const core::ConversationId id : ids) {
                auto conversation = core::readConversationTree(worker.database(), id);
                if (!conversation) return std::unexpected(conversation.error());
                all.push_back(std::move(*conversation));
            }
            return all;
        },
        [this, path](const core::Result<Archives>& conversations) {
            if (!conversations) return fail(tr("The export failed"), conversations.error(), {});
            write(path, *conversations);
        });
}

void ArchiveActions::write(const QString& path, std::vector<core::ArchiveConversation> conversations) {
    m_files.run(
        this, [path, conversations = std::move(conversations)] { return writeAll(path, conversations); },
        [this, path](const core::Result<void>& written) {
            if (!written) return fail(tr("The export failed"), written.error(), tr("Choose another folder, or free some space."));
            emit succeeded(tr("Exported"), path);
        });
}

// --- import ---------------------------------------------------------------------------------------------------------

void ArchiveActions::importChats() {
    auto* dialog = new QFileDialog(&m_window, tr("Import chats of Hearth, ChatGPT, Open WebUI, LM Studio or GPT4All"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    dialog->setNameFilters({tr("Exported chats (*.json *.chat)"), tr("All files (*)")});
    connect(dialog, &QFileDialog::fileSelected, this, &ArchiveActions::importFrom);
    dialog->open();
}

void ArchiveActions::importFrom(const QString& path) {
    const std::filesystem::path file = QFile::encodeName(path).toStdString();
    m_files.run(
        this, [file] { return core::readArchive(file); },
        [this](const core::Result<core::ImportedFile>& read) {
            const QString title = tr("Nothing was imported");
            if (!read) {
                return fail(title, read.error(),
                            tr("Choose conversations.json of a ChatGPT export, a chat export of Open WebUI, a *.conversation.json of LM Studio, "
                               "a *.chat of GPT4All, or Hearth's own JSON."));
            }
            const QString source = QString::fromStdString(std::string(core::name(read->format)));
            const int leftOut = read->leftOut;
            m_store.run(
                this,
                [conversations = read->conversations](StoreWorker& worker) { return core::addConversations(worker.database(), conversations); },
                [this, title, source, leftOut](const core::Result<std::vector<core::ConversationId>>& added) {
                    if (!added) return fail(title, added.error(), {});
                    emit historyChanged();
                    QString body = added->size() == 1 ? tr("One chat of %1 is in the list now.").arg(source)
                                                      : tr("%1 chats of %2 are in the list now.").arg(added->size()).arg(source);
                    if (leftOut > 0) body += u' ' + tr("Parts that are no text were left out: %1.").arg(leftOut);
                    emit succeeded(tr("Imported"), body);
                });
        });
}

// --- backups --------------------------------------------------------------------------------------------------------

void ArchiveActions::backUp(const std::filesystem::path& database, bool tell) {
    m_files.run(
        this, [database] { return core::makeBackup(database); },
        [this, tell](const core::Result<core::Backup>& made) {
            if (!made) return fail(tr("The history could not be backed up"), made.error(), tr("Free some space, or allow writing to the data folder."));
            if (tell) emit succeeded(tr("Backed up"), tr("%1, %2").arg(QString::fromStdString(made->file.string()), QString::fromStdString(core::formatBytes(made->bytes))));
        });
}

void ArchiveActions::backUpNow() {
    m_store.run(
        this, [](StoreWorker& worker) -> core::Result<std::filesystem::path> { return worker.path(); },
        [this](const core::Result<std::filesystem::path>& database) {
            if (database && !database->empty()) return backUp(*database, true);
            emit failed(tr("There is nothing to back up"), tr("The history is in memory only."), {});
        });
}

void ArchiveActions::backUpIfDue() {
    using Due = std::filesystem::path; // empty: not due
    m_store.run(
        this,
        [](StoreWorker& worker) -> core::Result<Due> {
            if (worker.path().empty()) return Due{};
            const auto backups = core::backupsOf(worker.path());
            const qint64 last = backups.empty() ? 0 : backups.front().madeMs;
            if (QDateTime::currentMSecsSinceEpoch() - last < kBackupEveryMs) return Due{};
            const auto rows = worker.chats().conversations({}, core::ConversationView::All);
            if (!rows) return std::unexpected(rows.error());
            for (const core::ConversationRow& row : *rows)
                if (row.updatedMs > last) return worker.path();
            return Due{};
        },
        [this](const core::Result<Due>& due) {
            if (due && !due->empty()) backUp(*due, false);
        });
}

void ArchiveActions::chooseBackup() {
    m_store.run(
        this, [](StoreWorker& worker) -> core::Result<std::vector<core::Backup>> { return core::backupsOf(worker.path()); },
        [this](const core::Result<std::vector<core::Backup>>& backups) {
            if (!backups || backups->empty()) {
                emit failed(tr("There is no backup yet"), tr("One is made a day, as soon as there are chats."), tr("File > Back up now makes one at once."));
                return;
            }
            QStringList names;
            for (const core::Backup& backup : *backups)
                names << tr("%1 (%2)").arg(madeAt(backup), QString::fromStdString(core::formatBytes(backup.bytes)));
            auto* dialog = new QInputDialog(&m_window);
            dialog->setAttribute(Qt::WA_DeleteOnClose);
            dialog->setWindowTitle(tr("Restore from a backup"));
            dialog->setLabelText(tr("What is there now becomes a backup itself."));
            dialog->setComboBoxItems(names);
            dialog->setOkButtonText(tr("Restore"));
            connect(dialog, &QInputDialog::textValueSelected, this, [this, names, all = *backups](const QString& name) {
                const auto at = names.indexOf(name);
                if (at >= 0) restore(all[std::size_t(at)].file);
            });
            dialog->open();
        });
}

void ArchiveActions::restore(const std::filesystem::path& backup) {
    m_store.run(
        this, [backup](StoreWorker& worker) { return worker.restore(backup); },
        [this](const core::Result<void>& restored) {
            if (!restored) return fail(tr("The backup was not restored"), restored.error(), tr("The history is as it was. Choose another backup."));
            emit historyReplaced();
            emit succeeded(tr("Restored"), tr("What was there before is among the backups."));
        });
}

} // namespace hearth::ui
