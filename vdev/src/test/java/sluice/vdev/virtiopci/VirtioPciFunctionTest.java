package sluice.vdev.virtiopci;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciRegisters;
import sluice.vdev.fixture.VirtioPciRegisters.Place;
import sluice.vdev.fixture.VirtioPciSession;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VirtioPciRegisters.COMMON;
import static sluice.vdev.fixture.VirtioPciRegisters.DEVICE;
import static sluice.vdev.fixture.VirtioPciRegisters.ISR;
import static sluice.vdev.fixture.VirtioPciRegisters.NOTIFY;
import static sluice.vdev.fixture.VirtioPciRegisters.WINDOW;

/** What a driver that keeps the rules of virtio 1.3 §4.1 gets from the function. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class VirtioPciFunctionTest {
    private static final int NO_VECTOR = 0xffff;
    private static final int ALL_STATUS = VirtioPciSession.ACKNOWLEDGE | VirtioPciSession.DRIVER
            | VirtioPciSession.FEATURES_OK | VirtioPciSession.DRIVER_OK;

    private EchoFunction function;
    private VirtioPciRegisters registers;

    @BeforeEach
    void start() throws IOException {
        function = EchoFunction.started();
        registers = function.registers();
    }

    @AfterEach
    void end() {
        function.close();
    }

    @Test
    void itIsAModernVirtioFunction() throws IOException {
        assertThat(registers.config(0, 4)).isEqualTo(0x1050_1af4);
        assertThat(registers.config(8, 1)).as("revision").isPositive();
        assertThat(registers.config(8, 4) >>> 8).as("class: a display that is not VGA").isEqualTo(0x038000);
        assertThat(registers.config(0x2c, 2)).isEqualTo(0x1af4);
        assertThat(registers.config(0x2e, 2)).as("not a number of the legacy interface").isGreaterThanOrEqualTo(0x40);
        for (int type : new int[]{ COMMON, NOTIFY, ISR, DEVICE }) {
            Place place = registers.place(type);
            assertThat(place.bar()).isZero();
            assertThat(place.offset() + place.length()).isLessThanOrEqualTo(Structures.BYTES);
        }
        assertThat(registers.place(COMMON).length()).isGreaterThanOrEqualTo(0x3c);
        assertThat(registers.place(DEVICE).length()).isEqualTo(function.device.config.length);
        assertThat(registers.place(NOTIFY).length())
                .isGreaterThanOrEqualTo((EchoDevice.QUEUES - 1) * registers.notifyMultiplier() + 2);
        assertThat(registers.get(COMMON, VirtioPciRegisters.NUM_QUEUES, 2)).isEqualTo(EchoDevice.QUEUES);
    }

    @Test
    void featuresAreTheDevicesAndTheQueues() throws IOException {
        assertThat(registers.offered()).isEqualTo(EchoDevice.FEATURE | VhostUserBits.F_INDIRECT
                | VhostUserBits.F_EVENT_IDX | VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM
                | VhostUserBits.F_RING_PACKED | VhostUserBits.F_IN_ORDER | VhostUserBits.F_RING_RESET);
        registers.put(COMMON, VirtioPciRegisters.DEVICE_FEATURE_SELECT, 4, 2);
        assertThat(registers.get(COMMON, VirtioPciRegisters.DEVICE_FEATURE, 4)).as("from bit 64 on").isZero();
        assertThat(registers.accepted()).isEqualTo(EchoFunction.SPLIT);
        assertThat(function.onLoop(() -> function.device.features)).isEqualTo(EchoFunction.SPLIT);
        assertThat(registers.status()).isEqualTo(ALL_STATUS);
    }

    @Test
    void eachQueueAnswersWithItsOwnVector() throws IOException {
        for (int round = 0; round < 40; round++) {
            for (int queue = 0; queue < EchoDevice.QUEUES; queue++) function.echo(queue, 100 * round + queue);
        }
        registers.select(1);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_MSIX_VECTOR, 2, EchoDevice.QUEUES + 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_MSIX_VECTOR, 2)).as("there is none").isEqualTo(
                NO_VECTOR);
        registers.put(COMMON, VirtioPciRegisters.CONFIG_MSIX_VECTOR, 2, EchoDevice.QUEUES + 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.CONFIG_MSIX_VECTOR, 2)).isEqualTo(NO_VECTOR);
        assertThat(registers.get(ISR, 0, 1)).as("with vectors it stays empty").isZero();
        function.driver(1).polling(true);
        function.echo(1, 7);
        assertThat(function.session.queue(1).interrupted()).as("no vector, no message").isFalse();
    }

    @ParameterizedTest
    @ValueSource(longs = { 0, VhostUserBits.F_RING_PACKED, VhostUserBits.F_RING_PACKED | VhostUserBits.F_IN_ORDER,
            VhostUserBits.F_IN_ORDER })
    void everyKindOfRingWorks(long more) throws IOException {
        try (EchoFunction other = new EchoFunction(EchoFunction.SPLIT | more)) {
            other.session.start(null);
            for (int round = 0; round < 50; round++) other.echo(round % EchoDevice.QUEUES, round);
            assertThat(other.log.complaints()).isEmpty();
        }
    }

    @Test
    void withoutMessagesTheLineTellsAndTheRegisterAcknowledges() throws IOException {
        int msix = 0x34;
        do {
            msix = registers.config(msix == 0x34 ? msix : msix + 1, 1);
        } while (registers.config(msix, 1) != 0x11);
        registers.setConfig(msix + 2, 2, 0);
        function.driver(0).polling(true);
        try (Fd line = EventFd.create()) {
            assertThat(function.session.client().setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER,
                    VfioUserClient.LINE, 0, 1, new byte[0], line)).isZero();
            function.echo(0, 1);
            Deadline.in(Deadline.USUAL).require(() -> drained(line), "the interrupt line");
            assertThat(registers.get(ISR, 0, 1)).as("a queue").isEqualTo(1);
            assertThat(registers.get(ISR, 0, 1)).as("it was acknowledged").isZero();
            unmask();
            assertThat(drained(line)).as("the line after that").isFalse();
            // The driver has turned the line off: it must stay silent until it is on again.
            registers.setConfig(VirtioPciSession.COMMAND, 2, VirtioPciSession.COMMAND_ON | 1 << 10);
            function.echo(0, 2);
            assertThat(drained(line)).isFalse();
            registers.setConfig(VirtioPciSession.COMMAND, 2, VirtioPciSession.COMMAND_ON);
            Deadline.in(Deadline.USUAL).require(() -> drained(line), "the line, on again");
        }
    }

    private void unmask() throws IOException {
        assertThat(function.session.client().setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK,
                VfioUserClient.LINE, 0, 1, new byte[0])).isZero();
    }

    private static boolean drained(Fd eventfd) {
        try {
            return EventFd.drain(eventfd) != 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void configurationIsReadInPiecesAndHasGenerations() throws IOException {
        assertThat(registers.get(DEVICE, 0, 4)).isEqualTo(0x04030201);
        assertThat(registers.get(DEVICE, 6, 2)).isEqualTo(0x0807);
        assertThat(registers.get(DEVICE, 5, 1)).isEqualTo(6);
        assertThat(registers.get(DEVICE, 8, 4)).as("behind its end").isZero();
        int before = registers.get(COMMON, VirtioPciRegisters.CONFIG_GENERATION, 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.CONFIG_GENERATION, 1)).isEqualTo(before);
        registers.put(DEVICE, 2, 2, 0xbbaa);
        assertThat(registers.get(DEVICE, 0, 4)).isEqualTo(0xbbaa0201);
        assertThat(registers.get(COMMON, VirtioPciRegisters.CONFIG_GENERATION, 1)).as("it has changed")
                .isNotEqualTo(before);
    }

    @Test
    void everythingIsReachedThroughTheWindowToo() throws IOException {
        int at = registers.place(WINDOW).capability();
        assertThat(windowed(at, (int) registers.place(DEVICE).offset() + 4, 4)).isEqualTo(0x08070605);
        assertThat(windowed(at, (int) registers.place(COMMON).offset() + VirtioPciRegisters.NUM_QUEUES, 2))
                .isEqualTo(EchoDevice.QUEUES);
        aim(at, 0, (int) registers.place(DEVICE).offset() + 1, 1);
        registers.setConfig(at + 16, 1, 0x77);
        assertThat(registers.get(DEVICE, 0, 4)).isEqualTo(0x04037701);
        // What it must not reach does nothing: another BAR, a length that is none, an offset beside it, one beyond the end.
        for (int[] wrong : new int[][]{ { 1, 0, 4 }, { 0, 0, 3 }, { 0, 0, 0 }, { 0, 0, 8 }, { 0, 2, 4 },
                { 0, Structures.BYTES, 4 }, { 0, -4, 4 }, { 255, 0, 1 } }) {
            aim(at, wrong[0], wrong[1], wrong[2]);
            registers.setConfig(at + 16, 4, 0x5a5a5a5a);
            assertThat(registers.config(at + 16, 4)).isEqualTo(0x5a5a5a5a);
        }
        function.echo(0, 3);
    }

    private int windowed(int at, int offset, int length) throws IOException {
        aim(at, 0, offset, length);
        return registers.config(at + 16, length);
    }

    private void aim(int at, int bar, int offset, int length) throws IOException {
        registers.setConfig(at + 4, 1, bar);
        registers.setConfig(at + 8, 4, offset);
        registers.setConfig(at + 12, 4, length);
    }

    @Test
    void aQueueIsResetAloneAndStartsAnew() throws IOException {
        function.echo(0, 1);
        function.echo(1, 2);
        registers.select(1);
        registers.put(COMMON, VirtioPciRegisters.QUEUE_RESET, 2, 1);
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_RESET, 2)).as("it is over").isZero();
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_ENABLE, 2)).isZero();
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_SIZE, 2)).isEqualTo(QueueRegisters.MAX_SIZE);
        function.echo(0, 3);
        function.session.queue(1).driver().restart(0);
        function.session.enable(function.session.queue(1));
        function.echo(1, 4);
        function.echo(0, 5);
        assertThat(function.onLoop(() -> function.device.calls)).containsSubsequence("start 1", "stop 1", "start 1");
        assertThat(function.log.complaints()).isEmpty();
    }

    @Test
    void aResetIsOverWhenTheStatusIsZero() throws IOException {
        function.echo(0, 1);
        registers.select(2);
        registers.setStatus(0);
        assertThat(registers.status()).isZero();
        assertThat(function.onLoop(() -> function.device.calls)).endsWith("stop 0", "stop 1", "stop 2", "reset");
        assertThat(registers.accepted()).isZero();
        assertThat(registers.get(COMMON, VirtioPciRegisters.QUEUE_SELECT, 2)).isZero();
        Map<Integer, Integer> defaults = Map.of(VirtioPciRegisters.QUEUE_SIZE, QueueRegisters.MAX_SIZE,
                VirtioPciRegisters.QUEUE_MSIX_VECTOR, NO_VECTOR, VirtioPciRegisters.QUEUE_ENABLE, 0,
                VirtioPciRegisters.CONFIG_MSIX_VECTOR, NO_VECTOR, VirtioPciRegisters.QUEUE_DESC, 0,
                VirtioPciRegisters.QUEUE_DEVICE + 4, 0);
        for (var one : defaults.entrySet())
            assertThat(registers.get(COMMON, one.getKey(), 2)).as("register 0x%x", one.getKey()).isEqualTo(
                    one.getValue());
        function.session.reset();
        function.forget();
        function.session.start(null);
        function.echo(0, 2);
        assertThat(function.log.complaints()).isEmpty();
    }

    @Test
    void whatIsMadeAvailableWaitsForTheBusMaster() throws IOException {
        registers.setConfig(VirtioPciSession.COMMAND, 2, 2);
        var ticket = function.driver(0).send(ByteBuffer.allocate(8), 8);
        assertThat(registers.status()).isEqualTo(ALL_STATUS);
        assertThat(function.session.queue(0).driver().usedPending()).isFalse();
        registers.setConfig(VirtioPciSession.COMMAND, 2, VirtioPciSession.COMMAND_ON);
        assertThat(function.driver(0).await(ticket).remaining()).isEqualTo(8);
    }
}
