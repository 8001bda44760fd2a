// SPDX-License-Identifier: Apache-2.0
//
// ModelButton: who the user is talking to, and the way to choose another. While a model loads, the progress is the
// button's ground and a small x cancels; a click elsewhere on it still opens the menu. Thread: GUI.
#pragma once

#include <QString>
#include <QToolButton>

namespace hearth::ui {

class ModelButton : public QToolButton {
    Q_OBJECT
public:
    explicit ModelButton(QWidget* parent = nullptr);

    void setModel(const QString& name, const QString& quantization);
    /// `fraction` 0 to 1.
    void setLoading(const QString& name, double fraction);
    void setEmpty();
    [[nodiscard]] bool isLoading() const { return m_state == State::Loading; }

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void cancelRequested();

protected:
    void paintEvent(QPaintEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;

private:
    enum class State : int { Empty, Loading, Loaded };

    [[nodiscard]] QRect cancelRect() const;
    [[nodiscard]] QString detail() const;
    void change(State state, const QString& name, const QString& quantization, double fraction);

    State m_state = State::Empty;
    QString m_name;
    QString m_quantization;
    double m_fraction = 0.0;
    bool m_cancelHovered = false;
    bool m_cancelPressed = false;
};

} // namespace hearth::ui
