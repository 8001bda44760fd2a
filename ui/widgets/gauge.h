// SPDX-License-Identifier: Apache-2.0
//
// Gauge: a thin bar of what is used of a whole: ours in the accent colour, then others' share, then the trough.
// Thread: GUI.
#pragma once

#include <QWidget>

namespace hearth::ui {

class Gauge : public QWidget {
    Q_OBJECT
public:
    explicit Gauge(QWidget* parent = nullptr);

    /// Shares of the whole, 0 to 1; the sum is cut at 1.
    void setShares(double ours, double others = 0.0);
    [[nodiscard]] double ours() const { return m_ours; }
    [[nodiscard]] double others() const { return m_others; }

    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    double m_ours = 0.0;
    double m_others = 0.0;
};

} // namespace hearth::ui
