package sluice.vdev.host;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.SeamDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.fixture.VirtioSession;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * One device with a shared memory region, jobs, events and a changing configuration, over either transport, in the order in which
 * its driver in a guest uses it (guest-tests/kmod/seam, SeamGuestTest).
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SeamLoopbackTest {
    private static final int RAM = 1 << 20;
    private static final int[] QUEUE_SIZES = { 16, 16 };
    private static final int LENT = 4;
    private static final byte PATTERN = 0x5a;
    private static final int FILLED = 3;
    private static final int SUMMED = 5;

    /** A driver's two queues; the buffers of the second are lent. */
    private static final class Driver {
        private final CommandQueue commands;
        private final CommandQueue events;
        private final Deque<CommandQueue.Ticket> lent = new ArrayDeque<>();

        Driver(VirtioSession session) throws IOException {
            commands = new CommandQueue(session.queue(SeamDevice.COMMANDS), session.ram());
            events = new CommandQueue(session.queue(SeamDevice.EVENTS), session.ram());
            for (int i = 0; i < LENT; i++) lend();
        }

        private void lend() throws IOException {
            lent.add(events.send(ByteBuffer.allocate(0), SeamDevice.EVENT_BYTES));
        }

        CommandQueue.Ticket send(byte kind, int page, int value, int count) throws IOException {
            return commands.send(SeamDevice.command(kind, page, value, count), Integer.BYTES);
        }

        int answer(CommandQueue.Ticket ticket) {
            return commands.await(ticket).getInt(0);
        }

        /** The next event, whose buffer is lent again. */
        List<Integer> event() throws IOException {
            ByteBuffer event = events.await(lent.remove());
            lend();
            assertThat(event.remaining()).isEqualTo(SeamDevice.EVENT_BYTES);
            return List.of(event.getInt(0), event.getInt(4), event.getInt(8), event.getInt(12));
        }

        /** More events than there are buffers. */
        void burst(int first, int count) throws IOException {
            CommandQueue.Ticket burst = send(SeamDevice.BURST, 0, 0, count);
            List<List<Integer>> expected = new ArrayList<>();
            List<List<Integer>> seen = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                expected.add(List.of(first + i, (int) SeamDevice.BURST, 0, i));
                seen.add(event());
            }
            assertThat(seen).isEqualTo(expected);
            assertThat(answer(burst)).isEqualTo(SeamDevice.DONE);
        }
    }

    private static byte[] pattern() {
        byte[] page = new byte[(int) SharedRegion.PAGE];
        Arrays.fill(page, PATTERN);
        return page;
    }

    private static List<Integer> config(byte[] bytes) {
        ByteBuffer config = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        return List.of(config.getInt(0), config.getInt(4));
    }

    @Test
    void overVhostUser() throws Exception {
        Profile qemu = Profile.qemu11();
        try (ServedDevice device = new ServedDevice(SeamDevice.provider(), "transport", "vhost-user");
                GuestRam ram = GuestRam.single(RAM, 1);
                DeviceSession session = new DeviceSession(device.frontEnd(), ram,
                        new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZES)) {
            session.realize();
            session.start();
            assertThat(session.frontEnd().getShmemConfig().get(SeamDevice.REGION.id()))
                    .isEqualTo(SeamDevice.REGION.bytes());
            Driver driver = new Driver(session);
            CommandQueue.Ticket filled = driver.send(SeamDevice.FILL, FILLED, PATTERN, 0);
            BackEndChannel.Request map = session.channel().receive(Deadline.USUAL);
            assertThat(map.request()).isEqualTo(BackEndChannel.SHMEM_MAP);
            try (Fd file = map.fds().getFirst()) {
                FileMapping window = new FileMappings(Budget.ofProcess()).map(file);
                session.channel().reply(map, 0);
                answerChange(session, 1, 1);
                assertThat(driver.answer(filled)).isEqualTo(SeamDevice.DONE);
                assertThat(driver.event()).containsExactly(0, (int) SeamDevice.FILL, FILLED, (int) PATTERN);
                long at = map.payload().order(ByteOrder.LITTLE_ENDIAN).getLong(8);
                assertThat(window.segment().asSlice(at + FILLED * SharedRegion.PAGE, SharedRegion.PAGE)
                        .toArray(ValueLayout.JAVA_BYTE)).isEqualTo(pattern());
                window.segment().asSlice(at + SUMMED * SharedRegion.PAGE, 2).fill((byte) 200);
                CommandQueue.Ticket summed = driver.send(SeamDevice.SUM, SUMMED, 0, 0);
                answerChange(session, 2, 2);
                assertThat(driver.event()).containsExactly(1, (int) SeamDevice.SUM, SUMMED, 400);
                assertThat(driver.answer(summed)).isEqualTo(SeamDevice.DONE);
                window.release();
            }
            driver.burst(2, 20);
            CommandQueue.Ticket hidden = driver.send(SeamDevice.HIDE, 0, 0, 0);
            BackEndChannel.Request unmap = session.channel().receive(Deadline.USUAL);
            assertThat(unmap.request()).isEqualTo(BackEndChannel.SHMEM_UNMAP);
            session.channel().reply(unmap, 0);
            assertThat(driver.answer(hidden)).isEqualTo(SeamDevice.DONE);
            assertThat(config(session.frontEnd().getConfig(0, 8).orElseThrow())).containsExactly(2, 22);
        }
    }

    private static void answerChange(DeviceSession session, int jobs, int events) throws IOException {
        BackEndChannel.Request change = session.channel().receive(Deadline.USUAL);
        assertThat(change.request()).isEqualTo(BackEndChannel.CONFIG_CHANGE);
        assertThat(config(session.frontEnd().getConfig(0, 8).orElseThrow())).containsExactly(jobs, events);
        session.channel().reply(change, 0);
    }

    /** It is asked nothing that it has not agreed to: QEMU closes the channel on a request that it does not know. */
    @Test
    void aFrontEndWithoutSharedMemoryHasTheRest() throws Exception {
        Profile qemu = Profile.qemu11().withoutProtocol(VhostUserBits.P_SHMEM);
        try (ServedDevice device = new ServedDevice(SeamDevice.provider(), "transport", "vhost-user");
                GuestRam ram = GuestRam.single(RAM, 1);
                DeviceSession session = new DeviceSession(device.frontEnd(), ram,
                        new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZES)) {
            session.realize();
            session.start();
            Driver driver = new Driver(session);
            CommandQueue.Ticket filled = driver.send(SeamDevice.FILL, FILLED, PATTERN, 0);
            answerChange(session, 1, 1);
            assertThat(driver.answer(filled)).isEqualTo(SeamDevice.NOT_SHOWN);
            assertThat(driver.event()).containsExactly(0, (int) SeamDevice.FILL, FILLED, (int) PATTERN);
        }
    }

    @Test
    void overPci() throws Exception {
        try (ServedDevice device = new ServedDevice(SeamDevice.provider(), "transport", "vfio-user");
                GuestRam ram = GuestRam.single(RAM, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, QUEUE_SIZES)) {
            session.attach();
            session.start(null);
            Driver driver = new Driver(session);
            assertThat(driver.answer(driver.send(SeamDevice.FILL, FILLED, PATTERN, 0))).isEqualTo(SeamDevice.DONE);
            assertThat(session.configurationChanged()).isTrue();
            assertThat(driver.event()).containsExactly(0, (int) SeamDevice.FILL, FILLED, (int) PATTERN);
            long page = FILLED * SharedRegion.PAGE;
            assertThat(session.client().read32(4, page - 4)).isZero();
            assertThat(session.client().read32(4, page)).isEqualTo(0x5a5a5a5a);
            assertThat(session.client().read32(4, page + SharedRegion.PAGE - 4)).isEqualTo(0x5a5a5a5a);
            assertThat(session.client().read32(4, page + SharedRegion.PAGE)).isZero();
            session.client().write32(4, SUMMED * SharedRegion.PAGE, 0x01020304);
            assertThat(driver.answer(driver.send(SeamDevice.SUM, SUMMED, 0, 0))).isEqualTo(SeamDevice.DONE);
            assertThat(driver.event()).containsExactly(1, (int) SeamDevice.SUM, SUMMED, 10);
            driver.burst(2, 20);
        }
    }
}
