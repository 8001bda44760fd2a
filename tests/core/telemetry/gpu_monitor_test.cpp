// SPDX-License-Identifier: Apache-2.0
//
// GpuMonitor against made-up machines: no, one and two AMD cards, sensors that are missing or mad, other makers' cards.
#include "core/telemetry/gpu_monitor.h"

#include "fixture_tree.h"

#include <QTest>

#include <memory>

using namespace hearth::core;

namespace {

constexpr const char* kFirst = "sys/devices/pci0000:00/0000:03:00.0/";
constexpr const char* kSecond = "sys/devices/pci0000:00/0000:0b:00.0/";

const QByteArray kIds = "# List of AMDGPU IDs\n\n1.0.0\n"
                        "744C,\tC8,\tAMD Radeon RX 7900 XTX\n"
                        "744C,\tCC,\tAMD Radeon RX 7900 XT\n"
                        "15BF,\tC1,\tAMD Radeon 780M\n"
                        "broken line\n,,\n73BF,\tZZ,\tno hexadecimal\n";

} // namespace

class GpuMonitorTest : public QObject {
    Q_OBJECT

private slots:
    void init() {
        m_tree = std::make_unique<FixtureTree>();
        m_tree->write("amdgpu.ids", kIds.toStdString());
    }

    void sample_completeCard() {
        addCard(kFirst, "0000:03:00.0", 1);
        const GpuReport report = sample();
        QCOMPARE(report.cards.size(), 1u);
        QVERIFY(report.reason.empty());
        const GpuSample& card = report.cards.front();
        QCOMPARE(card.name, std::string("AMD Radeon RX 7900 XTX"));
        QCOMPARE(card.pciAddress, std::string("0000:03:00.0"));
        QCOMPARE(card.load, std::optional(0.37f));
        QCOMPARE(card.vramTotal, std::optional<std::uint64_t>(25'753'026'560));
        QCOMPARE(card.vramUsed, std::optional<std::uint64_t>(1'503'238'553));
        QCOMPARE(card.temperature, std::optional(51.0f));
        QCOMPARE(card.power, std::optional(88.0f));
        QCOMPARE(card.clockMhz, std::optional(2304u));
        QVERIFY(!card.asleep);
        QVERIFY(!card.vramOurs);
    }

    void sample_twoCardsInOrderOfTheirAddresses() {
        addCard(kSecond, "0000:0b:00.0", 0);
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(std::string(kSecond) + "device", "0x15bf\n");
        m_tree->write(std::string(kSecond) + "revision", "0xc1\n");
        m_tree->write(std::string(kSecond) + "gpu_busy_percent", "100\n");
        const GpuReport report = sample();
        QCOMPARE(report.cards.size(), 2u);
        QCOMPARE(report.cards[0].name, std::string("AMD Radeon RX 7900 XTX"));
        QCOMPARE(report.cards[0].load, std::optional(0.37f));
        QCOMPARE(report.cards[1].name, std::string("AMD Radeon 780M"));
        QCOMPARE(report.cards[1].load, std::optional(1.0f));
    }

    void sample_cardsComeAndGo() {
        GpuMonitor monitor(m_tree->sys(), m_tree->proc(), m_tree->root() / "amdgpu.ids");
        QVERIFY(monitor.sample().cards.empty());
        addCard(kFirst, "0000:03:00.0", 1);
        QCOMPARE(monitor.sample().cards.size(), 1u);
        m_tree->remove("sys/class/drm");
        QVERIFY(monitor.sample().cards.empty());
    }

    void sample_renderNodeAloneIsACard() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->remove("sys/class/drm/card1");
        QCOMPARE(sample().cards.size(), 1u);
    }

    void sample_otherMakersCardBesideItIsPassedOver() {
        addCard(kFirst, "0000:03:00.0", 1);
        addCard(kSecond, "0000:0b:00.0", 0);
        m_tree->write(std::string(kSecond) + "vendor", "0x10de\n");
        const GpuReport report = sample();
        QCOMPARE(report.cards.size(), 1u);
        QCOMPARE(report.cards.front().pciAddress, std::string("0000:03:00.0"));
    }

    void sample_missingSensorIsAbsentNotZero_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("absent");
        QTest::newRow("load") << "gpu_busy_percent" << "load";
        QTest::newRow("vram total") << "mem_info_vram_total" << "total";
        QTest::newRow("vram used") << "mem_info_vram_used" << "used";
        QTest::newRow("temperature") << "hwmon/hwmon4/temp1_input" << "temperature";
        QTest::newRow("power") << "hwmon/hwmon4/power1_average" << "power";
        QTest::newRow("clock") << "pp_dpm_sclk" << "clock";
        QTest::newRow("all of hwmon") << "hwmon" << "temperature power";
    }
    void sample_missingSensorIsAbsentNotZero() {
        QFETCH(QString, file);
        QFETCH(QString, absent);
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->remove(kFirst + file.toStdString());
        QCOMPARE(absentOnes(sample()), absent);
    }

    void sample_garbageIsAbsentNotZero_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QString>("absent");
        QTest::newRow("load empty") << "gpu_busy_percent" << QByteArray("") << "load";
        QTest::newRow("load word") << "gpu_busy_percent" << QByteArray("busy\n") << "load";
        QTest::newRow("load with rest") << "gpu_busy_percent" << QByteArray("12abc\n") << "load";
        QTest::newRow("load above 100") << "gpu_busy_percent" << QByteArray("65535\n") << "load";
        QTest::newRow("load negative") << "gpu_busy_percent" << QByteArray("-1\n") << "load";
        QTest::newRow("vram zero") << "mem_info_vram_total" << QByteArray("0\n") << "total";
        QTest::newRow("vram overflow") << "mem_info_vram_total" << QByteArray("99999999999999999999999\n") << "total";
        QTest::newRow("vram all ones") << "mem_info_vram_used" << QByteArray("18446744073709551615\n") << "used";
        QTest::newRow("used above total") << "mem_info_vram_used" << QByteArray("25753026561\n") << "used";
        QTest::newRow("temperature mad") << "hwmon/hwmon4/temp1_input" << QByteArray("2147483647\n") << "temperature";
        QTest::newRow("temperature binary") << "hwmon/hwmon4/temp1_input" << QByteArray("\x00\xFF\x7F", 3) << "temperature";
        QTest::newRow("power mad") << "hwmon/hwmon4/power1_average" << QByteArray("9223372036854775807\n") << "power";
        QTest::newRow("power negative") << "hwmon/hwmon4/power1_average" << QByteArray("-5\n") << "power";
        QTest::newRow("no clock in use") << "pp_dpm_sclk" << QByteArray("0: 500Mhz\n1: 2304Mhz\n") << "clock";
        QTest::newRow("clock word") << "pp_dpm_sclk" << QByteArray("0: fastMhz *\n") << "clock";
        QTest::newRow("clock zero") << "pp_dpm_sclk" << QByteArray("0: 0Mhz *\n") << "clock";
        QTest::newRow("clock only star") << "pp_dpm_sclk" << QByteArray("*\n") << "clock";
        QTest::newRow("everything fine") << "gpu_busy_percent" << QByteArray("  37 \n") << "";
    }
    void sample_garbageIsAbsentNotZero() {
        QFETCH(QString, file);
        QFETCH(QByteArray, text);
        QFETCH(QString, absent);
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(kFirst + file.toStdString(), text.toStdString());
        QCOMPARE(absentOnes(sample()), absent);
    }

    void sample_idleCardShowsRealZeros() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(std::string(kFirst) + "gpu_busy_percent", "0\n");
        m_tree->write(std::string(kFirst) + "mem_info_vram_used", "0\n");
        const GpuSample card = sample().cards.front();
        QCOMPARE(card.load, std::optional(0.0f));
        QCOMPARE(card.vramUsed, std::optional<std::uint64_t>(0));
    }

    void sample_secondChoicesOfSensors() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->remove(std::string(kFirst) + "hwmon/hwmon4/power1_average");
        m_tree->remove(std::string(kFirst) + "pp_dpm_sclk");
        m_tree->write(std::string(kFirst) + "hwmon/hwmon4/power1_input", "45000000\n");
        m_tree->write(std::string(kFirst) + "hwmon/hwmon4/freq1_input", "2499000000\n");
        const GpuSample card = sample().cards.front();
        QCOMPARE(card.power, std::optional(45.0f));
        QCOMPARE(card.clockMhz, std::optional(2499u));
    }

    void sample_sensorsOfTheCardsOwnDriverCount() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(std::string(kFirst) + "hwmon/hwmon2/name", "other\n");
        m_tree->write(std::string(kFirst) + "hwmon/hwmon2/temp1_input", "99000\n");
        QCOMPARE(sample().cards.front().temperature, std::optional(51.0f));
    }

    void sample_sleepingCardIsNotWoken() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(std::string(kFirst) + "power/runtime_status", "suspended\n");
        const GpuReport report = sample();
        QVERIFY(report.cards.front().asleep);
        QCOMPARE(absentOnes(report), QString("load temperature power clock"));
        m_tree->write(std::string(kFirst) + "power/runtime_status", "active\n");
        QVERIFY(!sample().cards.front().asleep);
    }

    void name_fromTheBestSource_data() {
        QTest::addColumn<QString>("device");
        QTest::addColumn<QString>("revision");
        QTest::addColumn<QByteArray>("product");
        QTest::addColumn<QString>("name");
        QTest::newRow("list") << "0x744c" << "0xcc" << QByteArray() << "AMD Radeon RX 7900 XT";
        QTest::newRow("blank product name") << "0x744c" << "0xcc" << QByteArray("\n") << "AMD Radeon RX 7900 XT";
        QTest::newRow("product name first") << "0x744c" << "0xcc" << QByteArray("AMD Instinct MI210\n") << "AMD Instinct MI210";
        QTest::newRow("unknown revision") << "0x744c" << "0x01" << QByteArray() << "AMD GPU 0x744c";
        QTest::newRow("unknown device") << "0x7550" << "0xc0" << QByteArray() << "AMD GPU 0x7550";
        QTest::newRow("no revision") << "0x744c" << "" << QByteArray() << "AMD GPU 0x744c";
        QTest::newRow("no device") << "" << "" << QByteArray() << "AMD GPU";
        QTest::newRow("hostile product name") << "0x744c" << "0xcc" << QByteArray("A\x1b[31mB\xff\n") << QString::fromUtf8("A[31mB\xEF\xBF\xBD");
    }
    void name_fromTheBestSource() {
        QFETCH(QString, device);
        QFETCH(QString, revision);
        QFETCH(QByteArray, product);
        QFETCH(QString, name);
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->write(std::string(kFirst) + "device", device.toStdString());
        m_tree->write(std::string(kFirst) + "revision", revision.toStdString());
        if (!product.isEmpty()) m_tree->write(std::string(kFirst) + "product_name", product.toStdString());
        QCOMPARE(QString::fromStdString(sample().cards.front().name), name);
    }

    void name_withoutTheList() {
        addCard(kFirst, "0000:03:00.0", 1);
        m_tree->remove("amdgpu.ids");
        QCOMPARE(sample().cards.front().name, std::string("AMD GPU 0x744c"));
    }

    void vramOurs_countsEachClientOnce() {
        addCard(kFirst, "0000:03:00.0", 1);
        addCard(kSecond, "0000:0b:00.0", 0);
        const auto fd = [&](int number, const char* pdev, int client, const char* vram) {
            m_tree->write("proc/self/fdinfo/" + std::to_string(number),
                          std::string("pos:\t0\nflags:\t02100002\ndrm-driver:\tamdgpu\ndrm-client-id:\t") + std::to_string(client) +
                              "\ndrm-pdev:\t" + pdev + "\ndrm-memory-vram:\t" + vram + "\ndrm-memory-gtt: \t2048 KiB\n");
        };
        m_tree->write("proc/self/fdinfo/0", "pos:\t0\nflags:\t02\n");
        fd(5, "0000:03:00.0", 7, "1024 KiB");
        fd(6, "0000:03:00.0", 7, "1024 KiB"); // the same client through another descriptor
        fd(8, "0000:03:00.0", 9, "2 MiB");
        fd(9, "0000:03:00.0", 10, "many KiB");
        fd(10, "0000:0c:00.0", 11, "5 KiB"); // another card
        const GpuReport report = sample();
        QCOMPARE(report.cards[0].vramOurs, std::optional<std::uint64_t>(3 << 20));
        QVERIFY(!report.cards[1].vramOurs);
    }

    void reason_whenThereIsNone_data() {
        QTest::addColumn<QStringList>("vendors");
        QTest::addColumn<bool>("drm");
        QTest::addColumn<QString>("says");
        QTest::newRow("no drm") << QStringList() << false << "class/drm";
        QTest::newRow("empty drm") << QStringList() << true << "no graphics card";
        QTest::newRow("nvidia") << QStringList{"0x10de"} << true << "NVIDIA.";
        QTest::newRow("intel and nvidia") << QStringList{"0x8086", "0x10de"} << true << "Intel and NVIDIA.";
        QTest::newRow("virtual") << QStringList{"0x1af4"} << true << "virtio.";
        QTest::newRow("unheard of") << QStringList{"0xabcd"} << true << "PCI vendor 0xabcd.";
        QTest::newRow("vendor is garbage") << QStringList{"what"} << true << "no graphics card";
    }
    void reason_whenThereIsNone() {
        QFETCH(QStringList, vendors);
        QFETCH(bool, drm);
        QFETCH(QString, says);
        if (drm) m_tree->write("sys/class/drm/version", "drm 1.1.0 20060810\n");
        for (int i = 0; i < vendors.size(); ++i) {
            m_tree->write("sys/class/drm/card" + std::to_string(i) + "/device/vendor", vendors[i].toStdString() + "\n");
            m_tree->write("sys/class/drm/card" + std::to_string(i) + "-DP-1/device/vendor", "0x1002\n"); // a connector
        }
        const GpuReport report = sample();
        QVERIFY(report.cards.empty());
        const QString reason = QString::fromStdString(report.reason);
        QVERIFY2(reason.startsWith("No AMD GPU found: "), qPrintable(reason));
        QVERIFY2(reason.contains(says), qPrintable(reason));
    }

    void reason_graphicsOfASystemOnChip() {
        m_tree->write("sys/class/drm/card0/device/uevent", "DRIVER=vc4-drm\nMODALIAS=x\n");
        QVERIFY(QString::fromStdString(sample().reason).contains("by vc4-drm."));
    }

    void reason_cardWithoutItsDriver() {
        m_tree->write("sys/class/drm/card0/device/vendor", "0x8086\n");
        m_tree->write("sys/bus/pci/devices/0000:03:00.0/vendor", "0x1002\n");
        m_tree->write("sys/bus/pci/devices/0000:03:00.0/class", "0x030000\n");
        m_tree->write("sys/bus/pci/devices/0000:03:00.1/vendor", "0x1002\n"); // its sound device
        m_tree->write("sys/bus/pci/devices/0000:03:00.1/class", "0x040300\n");
        const QString reason = QString::fromStdString(sample().reason);
        QVERIFY2(reason.contains("(PCI 0000:03:00.0)"), qPrintable(reason));
        QVERIFY2(reason.contains("amdgpu"), qPrintable(reason));
    }

    void sample_thisMachineAnswersOneOrTheOther() {
        const GpuReport report = GpuMonitor().sample();
        QCOMPARE(report.cards.empty(), !report.reason.empty());
    }

private:
    GpuReport sample() const {
        return GpuMonitor(m_tree->sys(), m_tree->proc(), m_tree->root() / "amdgpu.ids").sample();
    }

    /// A card as the kernel shows it: the device's folder, and links from class/drm for its two nodes and a connector.
    void addCard(const std::string& device, const std::string& address, int number) const {
        m_tree->write(device + "vendor", "0x1002\n");
        m_tree->write(device + "device", "0x744c\n");
        m_tree->write(device + "revision", "0xc8\n");
        m_tree->write(device + "uevent", "DRIVER=amdgpu\nPCI_CLASS=30000\nPCI_SLOT_NAME=" + address + "\n");
        m_tree->write(device + "gpu_busy_percent", "37\n");
        m_tree->write(device + "mem_info_vram_total", "25753026560\n");
        m_tree->write(device + "mem_info_vram_used", "1503238553\n");
        m_tree->write(device + "pp_dpm_sclk", "S: 19Mhz\n0: 500Mhz \n1: 2304Mhz *\n2: 2499Mhz \n");
        m_tree->write(device + "hwmon/hwmon4/name", "amdgpu\n");
        m_tree->write(device + "hwmon/hwmon4/temp1_input", "51000\n");
        m_tree->write(device + "hwmon/hwmon4/power1_average", "88000000\n");
        const std::string card = "sys/class/drm/card" + std::to_string(number);
        m_tree->link(device, card + "/device");
        m_tree->write(card + "-DP-1/status", "connected\n");
        m_tree->link(device, "sys/class/drm/renderD" + std::to_string(128 + number) + "/device");
    }

    /// The names of what the only card does not show.
    static QString absentOnes(const GpuReport& report) {
        QStringList absent;
        if (report.cards.size() != 1) return "not one card";
        const GpuSample& card = report.cards.front();
        if (!card.load) absent << "load";
        if (!card.vramTotal) absent << "total";
        if (!card.vramUsed) absent << "used";
        if (!card.temperature) absent << "temperature";
        if (!card.power) absent << "power";
        if (!card.clockMhz) absent << "clock";
        return absent.join(' ');
    }

    std::unique_ptr<FixtureTree> m_tree;
};

QTEST_GUILESS_MAIN(GpuMonitorTest)
#include "gpu_monitor_test.moc"
