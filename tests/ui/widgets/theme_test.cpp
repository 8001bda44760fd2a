// SPDX-License-Identifier: Apache-2.0
//
// Theme and icons: every text is readable on every ground it stands on, and every icon draws something in each theme.
#include "ui/style/desktop_appearance.h"
#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QFontMetricsF>
#include <QImage>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>
#include <cmath>
#include <utility>

using namespace hearth::ui;

namespace {

/// WCAG 2.1, "relative luminance" and "contrast ratio".
double luminance(const QColor& color) {
    const auto linear = [](double channel) { return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4); };
    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
}

double contrast(const QColor& one, const QColor& other) {
    const double a = luminance(one);
    const double b = luminance(other);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

constexpr double kTextContrast = 4.5;  // WCAG AA, text
constexpr double kShapeContrast = 3.0; // WCAG AA, large text and parts of controls

} // namespace

class ThemeTest : public QObject {
    Q_OBJECT
private slots:
    void contrast_data() {
        QTest::addColumn<QColor>("ink");
        QTest::addColumn<QColor>("ground");
        QTest::addColumn<double>("least");
        for (const ThemeColors* colors : {&lightColors(), &darkColors()}) {
            const char* theme = colors->dark ? "dark" : "light";
            const auto row = [theme](const char* what, const QColor& ink, const QColor& ground, double least) {
                QTest::addRow("%s: %s", theme, what) << ink << ground << least;
            };
            row("text on page", colors->text, colors->page, kTextContrast);
            row("text on side", colors->text, colors->side, kTextContrast);
            row("text on panel", colors->text, colors->panel, kTextContrast);
            row("text on soft", colors->text, colors->soft, kTextContrast);
            row("text on accent soft", colors->text, colors->accentSoft, kTextContrast);
            row("mute on page", colors->mute, colors->page, kTextContrast);
            row("mute on side", colors->mute, colors->side, kTextContrast);
            row("mute on panel", colors->mute, colors->panel, kTextContrast);
            row("mute on soft", colors->mute, colors->soft, kTextContrast);
            row("text on accent", colors->accentText, colors->accent, kTextContrast);
            row("accent on panel", colors->accent, colors->panel, kTextContrast);
            row("accent on page", colors->accent, colors->page, kShapeContrast);
            row("accent on side", colors->accent, colors->side, kShapeContrast);
            row("accent on soft", colors->accent, colors->soft, kShapeContrast);
            row("good on panel", colors->good, colors->panel, kTextContrast);
            row("warning on panel", colors->warning, colors->panel, kTextContrast);
            row("warning on page", colors->warning, colors->page, kTextContrast);
            row("error on side", colors->error, colors->side, kTextContrast);
            row("error on soft", colors->error, colors->soft, kTextContrast);
            row("warning on side", colors->warning, colors->side, kTextContrast);
            row("warning on soft", colors->warning, colors->soft, kTextContrast);
            row("error on panel", colors->error, colors->panel, kTextContrast);
            row("error on page", colors->error, colors->page, kTextContrast);
            for (const auto& [name, ground] : {std::pair("page", colors->page), std::pair("side", colors->side), std::pair("panel", colors->panel)}) {
                const auto code = [&, on = QByteArray(name), under = ground](const char* what, const QColor& ink) {
                    row((QByteArray("code ") + what + " on " + on).constData(), ink, under, kTextContrast);
                };
                code("keyword", colors->codeKeyword);
                code("string", colors->codeString);
                code("function", colors->codeFunction);
                code("comment", colors->codeComment);
            }
        }
    }

    void contrast() {
        QFETCH(QColor, ink);
        QFETCH(QColor, ground);
        QFETCH(double, least);
        const double found = ::contrast(ink, ground);
        QVERIFY2(found >= least, qPrintable(QStringLiteral("%1 on %2 is %3 : 1").arg(ink.name(), ground.name()).arg(found, 0, 'f', 2)));
    }

    void contrastFormulaKnowsBlackOnWhite() { QVERIFY(qAbs(::contrast(Qt::black, Qt::white) - 21.0) < 0.01); }

    void choosingATheme_changesPaletteAndTells() {
        Theme::instance().choose(ThemeChoice::Light);
        QCOMPARE(QApplication::palette().color(QPalette::Base), lightColors().panel);
        QSignalSpy changed(&Theme::instance(), &Theme::themeChanged);
        Theme::instance().choose(ThemeChoice::Dark);
        QCOMPARE(changed.size(), 1);
        QVERIFY(Theme::current().dark);
        QCOMPARE(QApplication::palette().color(QPalette::Base), darkColors().panel);
        QVERIFY(!qApp->styleSheet().isEmpty());
        QVERIFY2(!qApp->styleSheet().contains(u'@'), "a token of the style sheet has no colour");
        Theme::instance().choose(ThemeChoice::Dark);
        QCOMPARE(changed.size(), 1);
    }

    void portal_isFollowedLive() {
        DesktopAppearance appearance(nullptr);
        QSignalSpy changed(&appearance, &DesktopAppearance::prefersDarkChanged);
        const auto say = [&appearance](const char* group, const char* key, const QVariant& value) {
            QVERIFY(QMetaObject::invokeMethod(&appearance, "onPortalSettingChanged", Q_ARG(QString, QLatin1String(group)),
                                              Q_ARG(QString, QLatin1String(key)), Q_ARG(QDBusVariant, QDBusVariant(value))));
        };
        const char* group = "org.freedesktop.appearance";
        say(group, "color-scheme", 2u);
        QVERIFY(!appearance.prefersDark());
        changed.clear();
        say(group, "color-scheme", QVariant::fromValue(QDBusVariant(1u)));
        QVERIFY(appearance.prefersDark());
        QCOMPARE(changed.size(), 1);
        say(group, "color-scheme", QStringLiteral("nonsense"));
        say(group, "contrast", 0u);
        say("org.gnome.desktop.interface", "color-scheme", 2u);
        QVERIFY(appearance.prefersDark());
        QCOMPARE(changed.size(), 1);
        say(group, "color-scheme", 2u);
        QVERIFY(!appearance.prefersDark());
        QCOMPARE(changed.size(), 2);
    }

    void icons_drawInBothThemes_data() {
        QTest::addColumn<int>("name");
        for (int i = 0; i < kIconCount; ++i) QTest::newRow(qPrintable(iconFileName(static_cast<IconName>(i)))) << i;
    }

    void icons_drawInBothThemes() {
        QFETCH(int, name);
        for (const ThemeChoice choice : {ThemeChoice::Light, ThemeChoice::Dark}) {
            Theme::instance().choose(choice);
            for (const qreal ratio : {1.0, 2.0}) {
                const QPixmap drawn = icon(static_cast<IconName>(name)).pixmap(QSize(20, 20), ratio);
                QCOMPARE(drawn.width(), static_cast<int>(20 * ratio));
                const QImage image = drawn.toImage().convertToFormat(QImage::Format_ARGB32);
                QColor darkest;
                int inked = 0;
                for (int y = 0; y < image.height(); ++y) {
                    for (int x = 0; x < image.width(); ++x) {
                        if (qAlpha(image.pixel(x, y)) < 200) continue;
                        ++inked;
                        darkest = image.pixelColor(x, y);
                    }
                }
                QVERIFY(inked >= 4);
                QVERIFY2(qAbs(darkest.red() - Theme::current().text.red()) < 12, qPrintable(darkest.name()));
            }
        }
    }

    void applicationIcon_isThere() { QVERIFY(!applicationIcon().pixmap(QSize(64, 64)).toImage().allGray()); }

    void figures_haveEqualWidth() {
        const QFontMetricsF metrics(textFont(13));
        QCOMPARE(figuresWidth(metrics, QStringLiteral("11.1")), figuresWidth(metrics, QStringLiteral("48.9")));
        QCOMPARE(figuresWidth(metrics, QString()), 0.0);
    }
};

QTEST_MAIN(ThemeTest)
#include "theme_test.moc"
