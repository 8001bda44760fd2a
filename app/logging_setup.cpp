// SPDX-License-Identifier: Apache-2.0
#include "app/logging_setup.h"

#include <QDir>
#include <QFileInfo>
#include <QtGlobal>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <vector>

namespace hearth::app {

namespace {

constexpr std::size_t kFileBytes = 1'000'000;
constexpr std::size_t kFiles = 3;

void forwardQtMessage(QtMsgType type, const QMessageLogContext&, const QString& message) {
    const std::string text = message.toStdString();
    switch (type) {
    case QtDebugMsg:
        spdlog::debug("qt: {}", text);
        break;
    case QtInfoMsg:
        spdlog::info("qt: {}", text);
        break;
    case QtWarningMsg:
        spdlog::warn("qt: {}", text);
        break;
    case QtCriticalMsg:
    case QtFatalMsg:
        spdlog::error("qt: {}", text);
        break;
    }
}

} // namespace

void setUpLogging(const QString& file) {
    std::vector<spdlog::sink_ptr> sinks;
    const auto console = std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
    console->set_level(spdlog::level::warn);
    sinks.push_back(console);
    QString trouble;
    try {
        QDir().mkpath(QFileInfo(file).path());
        sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.toStdString(), kFileBytes, kFiles));
    } catch (const spdlog::spdlog_ex& exception) {
        trouble = QString::fromUtf8(exception.what());
    }
    const auto logger = std::make_shared<spdlog::logger>("hearth", sinks.begin(), sinks.end());
    const QString wanted = qEnvironmentVariable("HEARTH_LOG", "info");
    logger->set_level(spdlog::level::from_str(wanted.toStdString()));
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(logger);
    qInstallMessageHandler(forwardQtMessage);
    if (!trouble.isEmpty()) spdlog::warn("no log file: {}", trouble.toStdString());
}

} // namespace hearth::app
