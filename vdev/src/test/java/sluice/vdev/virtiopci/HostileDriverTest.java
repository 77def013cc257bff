package sluice.vdev.virtiopci;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.fixture.VirtioPciSession;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VirtioPciRegisters.COMMON;
import static sluice.vdev.fixture.VirtioPciRegisters.NOTIFY;
import static sluice.vdev.fixture.VirtioPciSession.ACKNOWLEDGE;
import static sluice.vdev.fixture.VirtioPciSession.DRIVER;
import static sluice.vdev.fixture.VirtioPciSession.DRIVER_OK;
import static sluice.vdev.fixture.VirtioPciSession.FEATURES_OK;
import static sluice.vdev.fixture.VirtioPciSession.NEEDS_RESET;

/** Drivers that break the rules: nothing happens, or the device needs a reset and says why, and after one it works. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class HostileDriverTest {
    private static final long SEED = 20_261_121;
    private static final int WRITES = 8_000;
    private static final int RAM_BYTES = 4 << 20;
    private static final int PAGE = 4096;

    private int fdsBefore;
    private EchoFunction function;
    private VirtioPciRegisters registers;

    @BeforeEach
    void start() throws IOException {
        fdsBefore = Fd.openCount();
        function = new EchoFunction(EchoFunction.SPLIT);
        registers = function.registers();
    }

    @AfterEach
    void end() {
        function.close();
        Deadline.in(Deadline.USUAL).require(() -> Fd.openCount() <= fdsBefore, "all descriptors given back");
    }

    /** The device is as good as new. */
    private void assertWorksAfterReset() throws IOException {
        function.session.reset();
        function.forget();
        function.session.start(null);
        for (int queue = 0; queue < EchoDevice.QUEUES; queue++) function.echo(queue, queue + 1);
    }

    private void complains(String part) {
        Deadline.in(Deadline.USUAL).require(() -> function.log.count(part) == 1, "one line with: " + part);
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, EchoDevice.FEATURE, VhostUserBits.F_VERSION_1 | 1,
            VhostUserBits.F_VERSION_1 | 1L << 63, VhostUserBits.F_VERSION_1 | 1L << 24 })
    void featuresThatCannotBeAreRefused(long features) throws IOException {
        registers.setStatus(ACKNOWLEDGE | DRIVER);
        registers.accept(features);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertThat(registers.status()).isEqualTo(ACKNOWLEDGE | DRIVER);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        assertThat(registers.status()).as("it does not start").isEqualTo(ACKNOWLEDGE | DRIVER);
        assertWorksAfterReset();
    }

    @Test
    void featuresFromBit64OnAreRefused() throws IOException {
        registers.setStatus(ACKNOWLEDGE | DRIVER);
        registers.accept(EchoFunction.SPLIT);
        registers.put(COMMON, VirtioPciRegisters.DRIVER_FEATURE_SELECT, 4, 2);
        registers.put(COMMON, VirtioPciRegisters.DRIVER_FEATURE, 4, 1);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertThat(registers.status() & FEATURES_OK).isZero();
        complains("from bit 64 on");
        assertWorksAfterReset();
    }

    @Test
    void featuresStayAsTheyWereAgreedOn() throws IOException {
        function.session.negotiate();
        registers.accept(0);
        assertThat(registers.accepted()).isEqualTo(EchoFunction.SPLIT);
        assertThat(function.log.count("features are accepted after FEATURES_OK")).isEqualTo(2);
        registers.setStatus(ACKNOWLEDGE);
        assertThat(registers.status()).as("bits are not taken back").isEqualTo(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertWorksAfterReset();
    }

    @Test
    void aDeviceDoesNotStartBeforeItsFeatures() throws IOException {
        registers.setStatus(0xff & ~FEATURES_OK);
        assertThat(registers.status() & (DRIVER_OK | NEEDS_RESET)).isZero();
        complains("DRIVER_OK comes before FEATURES_OK");
        registers.select(0);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        complains("queue 0 is enabled before FEATURES_OK");
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2)).isZero();
        assertWorksAfterReset();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 3, 257, 512, 0xffff })
    void aQueueOfASizeThatCannotBeNeedsAReset(int size) throws IOException {
        function.session.negotiate();
        registers.select(1);
        registers.place(function.session.queue(1).driver().layout());
        registers.put(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2, size);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2)).isZero();
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        complains("queue 1 cannot start");
        assertThat(function.session.configurationChanged()).as("told before DRIVER_OK").isFalse();
        assertWorksAfterReset();
    }

    @Test
    void aQueueThatIsNotAlignedNeedsAReset() throws IOException {
        function.session.negotiate();
        registers.select(2);
        registers.place(function.session.queue(2).driver().layout());
        registers.address(VirtioPciRegisters.QUEUE_DESC, 8);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        complains("is not aligned to 16 bytes");
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        assertWorksAfterReset();
    }

    /** Unmapped addresses, addresses near 2^64, and addresses next to memory. */
    @ParameterizedTest
    @ValueSource(longs = { 0x7000_0000_0000L, -16, RAM_BYTES - 16, 1L << 57 })
    void aRingThatIsNoMemoryNeedsAReset(long address) throws IOException {
        function.session.negotiate();
        function.session.enable(function.session.queue(1));
        registers.select(0);
        registers.place(function.session.queue(0).driver().layout());
        registers.address(VirtioPciRegisters.QUEUE_DESC, address);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        assertThat(function.session.configurationChanged()).as("the driver is told").isTrue();
        complains("is not guest memory");
        function.echo(1, 1); // the other queue goes on
        registers.notifyQueue(0);
        assertThat(function.session.configurationChanged()).as("told once").isFalse();
        assertWorksAfterReset();
    }

    @Test
    void aRingWithoutAFileNeedsAReset() throws IOException {
        long address = 1L << 30;
        assertThat(function.session.client().map(address, PAGE, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE))
                .isZero();
        function.session.negotiate();
        registers.select(0);
        registers.place(function.session.queue(0).driver().layout());
        registers.address(VirtioPciRegisters.QUEUE_DRIVER, address);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        complains("the front-end has mapped it without a file");
        assertWorksAfterReset();
    }

    @Test
    void aRingThatIsOnlyReadableIsNotUsed() throws IOException {
        long address = 1L << 30;
        assertThat(function.session.client().map(address, PAGE, 0, VfioUserClient.MAP_READ, function.ram.file()))
                .isZero();
        function.session.negotiate();
        registers.select(0);
        registers.place(function.session.queue(0).driver().layout());
        registers.address(VirtioPciRegisters.QUEUE_DEVICE, address);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        registers.setStatus(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
        complains("used ring at 0x40000000");
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        assertWorksAfterReset();
    }

    @Test
    void aRingThatIsUnmappedEndsQuietly() throws IOException {
        function.session.start(null);
        function.echo(0, 1);
        assertThat(function.session.client().unmap(0, RAM_BYTES)).isZero();
        assertThat(function.onLoop(() -> function.device.calls)).as("told before the answer").endsWith(
                "invalidated [0x0, 0x3fffff]");
        registers.notifyQueue(0);
        assertThat(registers.status() & NEEDS_RESET).isEqualTo(NEEDS_RESET);
        assertThat(function.log.complaints()).as("drivers go without a word, and nobody is to blame").isEmpty();
        function.session.map(new GuestRegion(0, 0, RAM_BYTES, 0));
        assertWorksAfterReset();
    }

    /** As an IOMMU may do: an unmap and map of the same pages between two accesses has no effect. */
    @Test
    void unmapAndMapAgainInBetweenIsNoLoss() throws IOException {
        function.session.start(null);
        for (int round = 0; round < 50; round++) {
            function.echo(round % EchoDevice.QUEUES, round);
            assertThat(function.session.client().unmap(0, RAM_BYTES)).isZero();
            function.session.map(new GuestRegion(0, 0, RAM_BYTES, 0));
        }
        assertThat(function.log.complaints()).isEmpty();
    }

    @Test
    void anEnabledQueueStaysAsItIs() throws IOException {
        function.session.start(null);
        registers.select(0);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2, 8);
        registers.address(VirtioPciRegisters.QUEUE_DESC, 0);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 0);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2)).isEqualTo(EchoFunction.QUEUE_SIZE);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2)).isEqualTo(1);
        function.echo(0, 5);
        assertThat(function.log.count("queue 0 is changed while it is enabled")).isEqualTo(3);
        assertThat(function.log.count("0 is written to queue_enable of queue 0")).isEqualTo(1);
    }

    @Test
    void queuesThatAreNotThereAreZeros() throws IOException {
        for (int queue : new int[]{ EchoDevice.QUEUES, 1000, 0xffff }) {
            registers.select(queue);
            assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2)).isZero();
            registers.put(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2, 16);
            registers.put(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2, 1);
            registers.put(COMMON, VirtioPciRegisters.QUEUE_RESET, 2, 1);
            registers.address(VirtioPciRegisters.QUEUE_DESC, -1);
            assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 4)).isZero();
        }
        for (int offset = 0; offset < registers.place(NOTIFY).length(); offset += 4)
            registers.put(NOTIFY, offset, 4, -1);
        assertThat(registers.status()).isZero();
        function.session.start(null);
        for (int offset = 0; offset < registers.place(NOTIFY).length(); offset += 4)
            registers.put(NOTIFY, offset, 2, 0xffff);
        function.echo(0, 1);
        assertThat(function.log.complaints()).isEmpty();
    }

    @Test
    void aQueueResetThatWasNotNegotiatedDoesNothing() throws IOException {
        try (EchoFunction other = new EchoFunction(EchoFunction.SPLIT & ~VhostUserBits.F_RING_RESET)) {
            other.session.start(null);
            other.registers().select(0);
            other.registers().put(COMMON, VirtioPciRegisters.QUEUE_RESET, 2, 1);
            assertThat(other.registers().get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2)).isEqualTo(1);
            assertThat(other.log.count("VIRTIO_F_RING_RESET was not negotiated")).isEqualTo(1);
            other.echo(0, 1);
        }
    }

    @Test
    void complaintsComeToAnEnd() throws IOException {
        for (int i = 0; i < 1000; i++) registers.setStatus(DRIVER_OK);
        assertThat(function.log.complaints()).hasSize(8);
    }

    @Test
    void fieldsAreWrittenWhole() throws IOException {
        function.session.negotiate();
        registers.select(0);
        registers.place(function.session.queue(0).driver().layout());
        int size = registers.get(COMMON, VirtioPciRegisters.QUEUE_SIZE, 4);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_SIZE, 1, 1);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_SIZE, 4, 0);
        registers.put(COMMON, VirtioPciRegisters.DEVICE_STATUS, 2, 0);
        registers.put(COMMON, VirtioPciRegisters.DEVICE_STATUS, 4, 0);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_SIZE, 4)).isEqualTo(size);
        assertThat(registers.status()).isEqualTo(ACKNOWLEDGE | DRIVER | FEATURES_OK);
        assertWorksAfterReset();
    }

    /** Every register in every order, also of configuration space, again and again in the middle of real work. */
    @Test
    void randomWritesLeaveNothingBehind() throws IOException {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        for (int round = 0; round < 20; round++) {
            if (round % 2 == 0) assertWorksAfterReset();
            for (int i = 0; i < WRITES / 20; i++) {
                int size = 1 << random.nextInt(3);
                int structure = random.nextInt(10);
                int span = structure < 8 ? 0x40 : Structures.BYTES;
                int value = random.nextBoolean() ? random.nextInt(16) : random.nextInt();
                function.session.client().write(0, (long) random.nextInt(span / size) * size, bytes(size, value));
            }
            for (int i = 0; i < 20; i++) {
                int offset = 0x40 + 4 * random.nextInt(48);
                function.session.client().write(VfioUserClient.CONFIG_REGION, offset, bytes(4, random.nextInt()));
                assertThat(function.session.client().read(0, 4L * random.nextInt(Structures.BYTES / 4), 4).errno())
                        .isZero();
            }
            function.session.client().ask(VfioUserClient.RESET, VfioUserClient.body(0));
            turnOn();
        }
        assertWorksAfterReset();
    }

    /** What a front-end does after a reset. */
    private void turnOn() throws IOException {
        registers.setConfig(VirtioPciSession.COMMAND, 2, VirtioPciSession.COMMAND_ON);
        int at = registers.config(0x34, 1);
        while (registers.config(at, 1) != 0x11)
            at = registers.config(at + 1, 1);
        registers.setConfig(at + 2, 2, 0x8000);
    }

    private static byte[] bytes(int size, int value) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) bytes[i] = (byte) (value >>> (8 * i));
        return bytes;
    }

    @Test
    void aGuestThatGoesInTheMiddleLeavesAFreshDevice() throws IOException {
        function.session.start(null);
        function.driver(0).send(ByteBuffer.allocate(8), 8);
        function.disconnect();
        assertThat(function.onLoop(() -> function.device.calls)).contains("stop 0").endsWith("reset");
        function.reconnect();
        registers = function.registers();
        assertThat(registers.status()).isZero();
        assertWorksAfterReset();
    }
}
