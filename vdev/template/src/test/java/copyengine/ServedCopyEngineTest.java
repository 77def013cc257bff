package copyengine;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/** The copy engine with what every served device can be given: a limit, or a fault. The engine knows of neither. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ServedCopyEngineTest {
    private static final long RAM = 4 << 20;
    private static final int PAGE = 4096;
    private static final long SOURCES = 0x1000;
    private static final long TARGETS = 0x2000;
    private static final Buffer FROM = new Buffer(0x10000, 2 * PAGE);
    /** On both sides of 1 MiB. */
    private static final Buffer TO = new Buffer((1 << 20) - PAGE, 2 * PAGE);

    private interface Guest {
        void run(CopyDriver driver, VfioUserClient client, GuestRam ram) throws IOException;
    }

    /** Serves an engine with an option; its report when the guest has ended. */
    private static String with(String option, String value, Guest guest) throws Exception {
        ServedDevice device = new ServedDevice(new CopyEngineProvider(), option, value);
        try (GuestRam ram = GuestRam.single(RAM, 1); VfioUserClient client = device.client()) {
            assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
            CopyDriver driver = new CopyDriver(client, ram.memory());
            driver.list(SOURCES, List.of(FROM));
            driver.list(TARGETS, List.of(TO));
            driver.lists(SOURCES, 1, TARGETS, 1);
            guest.run(driver, client, ram);
        }
        return device.end();
    }

    private static byte[] bytes(GuestRam ram, long address, int length) {
        return ram.memory().asSlice(address, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] source(GuestRam ram) {
        return bytes(ram, FROM.address(), (int) FROM.length());
    }

    private static int copy(CopyDriver driver) throws IOException {
        driver.ring();
        return driver.awaitEnd();
    }

    @ParameterizedTest
    @ValueSource(strings = { "20", "0xfffff" })
    void itWritesNoFurtherThanItsMask(String mask) throws Exception {
        String report = with("dma-mask", mask, (driver, client, ram) -> {
            byte[] before = bytes(ram, 1 << 20, PAGE);
            assertThat(copy(driver)).isEqualTo(CopyDriver.ERROR);
            assertThat(driver.read64(CopyDriver.FAULT_ADDRESS)).isEqualTo(1 << 20);
            assertThat(bytes(ram, 1 << 20, PAGE)).isEqualTo(before);
        });
        assertThat(report).contains("\"OVER_MASK\": 1", "\"rule\": \"BEYOND_DMA_MASK\"");
    }

    @Test
    void aShortWriteAndAnOverrunAreNotItsOwn() throws Exception {
        String report = with("inject", "short-write,bytes=100,from=2,count=1", (driver, client, ram) -> {
            byte[] expected = source(ram);
            byte[] before = bytes(ram, TO.address(), 2 * PAGE);
            System.arraycopy(before, 2 * PAGE - 100, expected, 2 * PAGE - 100, 100);
            assertThat(copy(driver)).isEqualTo(CopyDriver.DONE);
            assertThat(bytes(ram, TO.address(), 2 * PAGE)).isEqualTo(expected);
        });
        assertThat(report).contains("\"--inject=short-write,bytes=100,from=2,count=1\": 1");
        with("inject", "overrun,bytes=100,from=2,count=1", (driver, client, ram) -> {
            byte[] behind = bytes(ram, TO.address() + TO.length(), PAGE);
            assertThat(copy(driver)).isEqualTo(CopyDriver.DONE);
            assertThat(bytes(ram, TO.address(), 2 * PAGE)).isEqualTo(source(ram));
            Arrays.fill(behind, 0, 100, (byte) 0xa5);
            assertThat(bytes(ram, TO.address() + TO.length(), PAGE)).isEqualTo(behind);
        });
    }

    @Test
    void aMappingIsRevokedInUse() throws Exception {
        String report = with("inject", "revoke,access=write,from=2,count=1", (driver, client, ram) -> {
            assertThat(copy(driver)).isEqualTo(CopyDriver.ERROR);
            assertThat(driver.read64(CopyDriver.FAULT_ADDRESS)).isEqualTo(1 << 20);
            assertThat(client.unmap(0, RAM)).isZero();
            assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
            assertThat(copy(driver) & CopyDriver.BUSY).isZero();
            assertThat(bytes(ram, TO.address(), 2 * PAGE)).isEqualTo(source(ram));
        });
        assertThat(report).contains("\"REVOKED\": 1");
    }

    @ParameterizedTest
    @ValueSource(strings = { "lost-interrupt,vector=0,count=1", "late-interrupt,ms=1500,vector=0,count=1" })
    void aMessageIsLostOrLate(String fault) throws Exception {
        try (Fd vector = EventFd.create()) {
            String report = with("inject", fault, (driver, client, ram) -> {
                assertThat(client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER,
                        VfioUserClient.VECTORS, 0, 1, new byte[0], vector)).isZero();
                driver.write(CopyDriver.INTERRUPT_ENABLE, CopyDriver.DONE);
                assertThat(copy(driver)).isEqualTo(CopyDriver.DONE);
                assertThat(EventFd.drain(vector)).as("not yet, or never").isZero();
                if (fault.startsWith("lost")) {
                    driver.write(CopyDriver.STATUS, CopyDriver.DONE);
                    assertThat(copy(driver)).as("the next one").isEqualTo(CopyDriver.DONE);
                }
                Deadline.in(Deadline.USUAL).require(() -> {
                    try {
                        return EventFd.drain(vector) == 1;
                    } catch (IOException e) {
                        throw new AssertionError(e);
                    }
                }, "a message");
            });
            assertThat(report).contains("\"--inject=" + fault + "\": 1");
        }
    }
}
