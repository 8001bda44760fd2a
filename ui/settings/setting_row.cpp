// SPDX-License-Identifier: Apache-2.0
#include "ui/settings/setting_row.h"

#include "core/store/settings_schema.h"
#include "ui/settings/setting_binder.h"
#include "ui/style/fonts.h"
#include "ui/style/icons.h"
#include "ui/style/metrics.h"
#include "ui/widgets/card.h"

#include <QComboBox>
#include <QDoubleSpinBox>
#include <QEvent>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QRegularExpressionValidator>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <limits>
#include <utility>

namespace hearth::ui {

namespace {

constexpr int kFieldWidth = 140;
constexpr int kResetSize = 28;
constexpr int kDecimals = 2;

/// Scrolling the page must not turn the numbers that pass under the mouse.
class WheelGuard : public QObject {
public:
    using QObject::QObject;
    bool eventFilter(QObject* watched, QEvent* event) override {
        if (event->type() != QEvent::Wheel || static_cast<QWidget*>(watched)->hasFocus()) return false;
        event->ignore();
        return true;
    }
};

void guardWheel(QWidget* field) {
    field->setFocusPolicy(Qt::StrongFocus);
    field->installEventFilter(new WheelGuard(field));
}

int asInt(double limit) {
    return static_cast<int>(std::clamp(limit, static_cast<double>(std::numeric_limits<int>::min()), static_cast<double>(std::numeric_limits<int>::max())));
}

} // namespace

SettingRow::SettingRow(SettingBinder& binder, const QString& key, const Text& text, QWidget* parent)
    : QWidget(parent), m_binder(binder), m_key(key), m_title(text.title), m_texts(new QVBoxLayout), m_reset(new QToolButton(this)) {
    auto* title = new QLabel(text.title, this);
    title->setFont(textFont(metrics::kTextPx));
    m_texts->setContentsMargins(0, 0, 0, 0);
    m_texts->setSpacing(2);
    m_texts->addWidget(title);
    if (!text.hint.isEmpty()) {
        auto* hint = new MuteLabel(this);
        hint->setText(text.hint);
        m_texts->addWidget(hint);
    }
    m_reset->setObjectName(QStringLiteral("reset.") + key);
    m_reset->setIcon(icon(IconName::Undo, IconTone::Mute));
    m_reset->setAutoRaise(true);
    m_reset->setFixedSize(kResetSize, kResetSize);
    m_reset->setAccessibleName(tr("Reset %1").arg(text.title));
    QSizePolicy policy = m_reset->sizePolicy();
    policy.setRetainSizeWhenHidden(true); // the fields stay in one line
    m_reset->setSizePolicy(policy);

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 8, 0, 8);
    row->setSpacing(12);
    row->addLayout(m_texts, 1);
    row->addWidget(m_reset, 0, Qt::AlignVCenter);

    connect(m_reset, &QToolButton::clicked, this, [this] { m_binder.reset(m_key); });
    connect(&binder, &SettingBinder::refreshed, this, [this](const QString& changed) {
        if (changed == m_key) refresh();
    });
}

void SettingRow::setField(QWidget* field, std::function<void()> show) {
    field->setObjectName(m_key);
    field->setAccessibleName(m_title);
    field->setFixedWidth(kFieldWidth);
    auto* row = static_cast<QHBoxLayout*>(layout());
    row->addWidget(field, 0, Qt::AlignVCenter);
    setTabOrder(field, m_reset);
    m_show = std::move(show);
    refresh();
}

void SettingRow::refresh() {
    m_show();
    const bool differs = m_binder.differs(m_key);
    m_reset->setVisible(differs);
    const QVariant fallback = m_binder.fallback(m_key);
    m_reset->setToolTip(m_binder.target() == SettingBinder::Target::ThisModel ? tr("Back to the value for all models (%1)").arg(fallback.toString())
                                                                            : tr("Back to the default (%1)").arg(fallback.toString()));
}

SettingRow* SettingRow::wholeNumber(SettingBinder& binder, const QString& key, const Text& text, int step, const QString& zeroText, QWidget* parent) {
    auto* row = new SettingRow(binder, key, text, parent);
    auto* field = new QSpinBox(row);
    if (const core::SettingSpec* spec = core::findSetting(key.toStdString())) field->setRange(asInt(spec->minimum), asInt(spec->maximum));
    field->setSingleStep(step);
    field->setSpecialValueText(zeroText);
    field->setGroupSeparatorShown(true);
    field->setKeyboardTracking(false); // not at every digit
    guardWheel(field);
    row->setField(field, [&binder, key, field] {
        const QSignalBlocker quiet(field);
        field->setValue(binder.value(key).toInt());
    });
    connect(field, &QSpinBox::valueChanged, row, [&binder, key](int value) { binder.change(key, value); });
    return row;
}

SettingRow* SettingRow::decimalNumber(SettingBinder& binder, const QString& key, const Text& text, double step, QWidget* parent) {
    auto* row = new SettingRow(binder, key, text, parent);
    auto* field = new QDoubleSpinBox(row);
    if (const core::SettingSpec* spec = core::findSetting(key.toStdString())) field->setRange(spec->minimum, spec->maximum);
    field->setDecimals(kDecimals);
    field->setSingleStep(step);
    field->setKeyboardTracking(false);
    guardWheel(field);
    row->setField(field, [&binder, key, field] {
        const QSignalBlocker quiet(field);
        field->setValue(binder.value(key).toDouble());
    });
    connect(field, &QDoubleSpinBox::valueChanged, row, [&binder, key](double value) { binder.change(key, value); });
    return row;
}

SettingRow* SettingRow::optionalNumber(SettingBinder& binder, const QString& key, const Text& text, const QString& emptyText, QWidget* parent) {
    auto* row = new SettingRow(binder, key, text, parent);
    auto* field = new QLineEdit(row);
    field->setPlaceholderText(emptyText);
    // 18 digits always fit into 64 bits.
    field->setValidator(new QRegularExpressionValidator(QRegularExpression(QStringLiteral("\\d{0,18}")), field));
    row->setField(field, [&binder, key, field] {
        const qlonglong value = binder.value(key).toLongLong();
        field->setText(value < 0 ? QString() : QString::number(value));
    });
    connect(field, &QLineEdit::editingFinished, row, [&binder, key, field] {
        binder.change(key, field->text().isEmpty() ? qlonglong(-1) : field->text().toLongLong());
    });
    return row;
}

void SettingRow::setChoices(const std::vector<Choice>& choices) {
    if (m_choices == nullptr) return;
    // Telling the same again must not close a list that is open.
    const auto same = [this](const Choice& entry) { return m_choices->findData(entry.value) >= 0 && m_choices->itemText(m_choices->findData(entry.value)) == entry.text; };
    if (m_choices->count() == static_cast<int>(choices.size()) && std::ranges::all_of(choices, same)) return;
    m_choices->clear();
    for (const Choice& entry : choices) m_choices->addItem(entry.text, entry.value);
    m_show();
}

SettingRow* SettingRow::choice(SettingBinder& binder, const QString& key, const Text& text, const std::vector<Choice>& choices, QWidget* parent) {
    auto* row = new SettingRow(binder, key, text, parent);
    auto* field = new QComboBox(row);
    for (const Choice& entry : choices) field->addItem(entry.text, entry.value);
    guardWheel(field);
    row->m_choices = field;
    row->setField(field, [&binder, key, field] {
        const QVariant value = binder.value(key);
        if (field->findData(value) < 0) field->addItem(tr("%1 (not there)").arg(value.toString()), value);
        field->setCurrentIndex(field->findData(value));
    });
    connect(field, &QComboBox::activated, row, [&binder, key, field](int at) { binder.change(key, field->itemData(at)); });
    return row;
}

} // namespace hearth::ui
