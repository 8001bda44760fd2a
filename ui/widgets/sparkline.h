// SPDX-License-Identifier: Apache-2.0
//
// Sparkline: the last values of one quantity as a line, oldest left. Thread: GUI.
#pragma once

#include <QWidget>

#include <vector>

namespace hearth::ui {

class Sparkline : public QWidget {
    Q_OBJECT
public:
    /// `capacity`: values kept; older ones leave on the left.
    explicit Sparkline(int capacity, QWidget* parent = nullptr);

    /// The top edge; 0 = the largest value kept.
    void setMaximum(double maximum);
    void append(double value);
    void clear();
    [[nodiscard]] const std::vector<double>& values() const { return m_values; }

    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    std::size_t m_capacity;
    double m_maximum = 0.0;
    std::vector<double> m_values;
};

} // namespace hearth::ui
