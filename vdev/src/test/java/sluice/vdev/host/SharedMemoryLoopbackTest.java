package sluice.vdev.host;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.budget.Budget;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.FileStatus;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.SharedWindow;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.CommandQueue;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.TestDevice;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VirtioPciSession;
import sluice.vdev.queue.Chain;
import sluice.vdev.serve.ServedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** Shared memory regions of a virtio device, as its driver gets to see them over either transport. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class SharedMemoryLoopbackTest {
    private static final long PAGE = SharedRegion.PAGE;
    private static final SharedRegion SMALL = new SharedRegion(1, 16 * PAGE);
    private static final SharedRegion LARGE = new SharedRegion(7, 16 * PAGE);
    private static final int QUEUE_SIZE = 16;

    /** A request is 'S' or 'H' and a page of the region {@link #LARGE}, which it shows or hides; the answer is whether. */
    private static final class Showing extends TestDevice {
        Showing() {
            super(1);
        }

        @Override
        public List<SharedRegion> sharedRegions() {
            return List.of(SMALL, LARGE);
        }

        @Override
        protected void execute(int index, Chain chain) {
            byte[] request = new byte[2];
            chain.readable().copyTo(0, request, 0, 2);
            SharedWindow window = context().window(LARGE.id());
            window.memory().asSlice(request[1] * PAGE, PAGE).fill(request[1]);
            if (request[0] == 'S')
                window.show(request[1] * PAGE, PAGE, done -> respond(index, chain, (byte) (done ? 1 : 0)));
            else
                window.hide(request[1] * PAGE, PAGE, done -> respond(index, chain, (byte) (done ? 1 : 0)));
        }
    }

    private static ServedDevice serve(String transport) throws Exception {
        return new ServedDevice("showing", new Showing(), "transport", transport);
    }

    private static CommandQueue.Ticket send(CommandQueue queue, char what, int page) throws IOException {
        return queue.send(ByteBuffer.wrap(new byte[]{ (byte) what, (byte) page }), 1);
    }

    private static boolean answer(CommandQueue queue, CommandQueue.Ticket ticket) {
        return queue.await(ticket).get(0) == 1;
    }

    private static DeviceSession session(ServedDevice device, GuestRam ram) throws IOException {
        Profile qemu = Profile.qemu11();
        DeviceSession session = new DeviceSession(device.frontEnd(), ram,
                new Profile(qemu.protocolBits(), 0, qemu.forcedFeatures(), true, false), QUEUE_SIZE);
        assertThat(session.realize().protocolFeatures() & (VhostUserBits.P_SHMEM | VhostUserBits.P_CONFIGURE_MEM_SLOTS))
                .as("QEMU 11.1 survives the reset of a device only if it has one of them")
                .isEqualTo(VhostUserBits.P_SHMEM);
        session.start();
        return session;
    }

    private static void check(BackEndChannel.Request request, int number, long offset, long length) {
        assertThat(request.request()).isEqualTo(number);
        ByteBuffer body = request.payload().order(ByteOrder.LITTLE_ENDIAN);
        assertThat(body.limit()).isEqualTo(40);
        assertThat(body.get(0)).isEqualTo((byte) LARGE.id());
        assertThat(body.getLong(16)).as("in the region").isEqualTo(offset);
        assertThat(body.getLong(24)).isEqualTo(length);
    }

    @Test
    void overVhostUserEachPartIsAskedFor() throws Exception {
        try (ServedDevice device = serve("vhost-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                DeviceSession session = session(device, ram)) {
            List<Long> sizes = session.frontEnd().getShmemConfig();
            assertThat(sizes.get(SMALL.id())).isEqualTo(SMALL.bytes());
            assertThat(sizes.get(LARGE.id())).isEqualTo(LARGE.bytes());
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            CommandQueue.Ticket shown = send(queue, 'S', 3);
            BackEndChannel.Request map = session.channel().receive(Deadline.USUAL);
            check(map, BackEndChannel.SHMEM_MAP, 3 * PAGE, PAGE);
            long fileOffset = map.payload().getLong(8);
            assertThat(map.payload().getLong(32)).as("to be read and written").isEqualTo(1);
            assertThat(map.fds()).hasSize(1);
            try (Fd file = map.fds().getFirst()) {
                assertThat(FileStatus.of(file).size()).isEqualTo(SMALL.bytes() + LARGE.bytes());
                FileMapping seen = new FileMappings(Budget.ofProcess()).map(file);
                assertThat(seen.segment().get(ValueLayout.JAVA_BYTE, fileOffset + PAGE - 1)).isEqualTo((byte) 3);
                seen.release();
            }
            assertThat(shown.done()).as("before the front-end has answered").isFalse();
            session.channel().reply(map, 0);
            assertThat(answer(queue, shown)).isTrue();
            CommandQueue.Ticket hidden = send(queue, 'H', 3);
            BackEndChannel.Request unmap = session.channel().receive(Deadline.USUAL);
            check(unmap, BackEndChannel.SHMEM_UNMAP, 3 * PAGE, PAGE);
            assertThat(unmap.fds()).isEmpty();
            session.channel().reply(unmap, 0);
            assertThat(answer(queue, hidden)).isTrue();
        }
    }

    private static BackEndChannel.Request request(DeviceSession session, int number, int page) throws Exception {
        BackEndChannel.Request request = session.channel().receive(Deadline.USUAL);
        request.fds().forEach(Fd::close);
        check(request, number, page * PAGE, PAGE);
        return request;
    }

    private static boolean isShown(DeviceSession session, CommandQueue queue, int page) throws Exception {
        CommandQueue.Ticket shown = send(queue, 'S', page);
        session.channel().reply(request(session, BackEndChannel.SHMEM_MAP, page), 0);
        return answer(queue, shown);
    }

    /** Of which one is the guest's memory. A front-end would not start the device again with more. */
    @Test
    void eachPartTakesARegionOfTheMemoryTableUntilItIsHiddenOrTheDeviceReset() throws Exception {
        try (ServedDevice device = serve("vhost-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                DeviceSession session = session(device, ram)) {
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            for (int page = 0; page < 7; page++) assertThat(isShown(session, queue, page)).isTrue();
            assertThat(answer(queue, send(queue, 'S', 8))).as("an eighth").isFalse();
            CommandQueue.Ticket hidden = send(queue, 'H', 2);
            session.channel().reply(request(session, BackEndChannel.SHMEM_UNMAP, 2), 0);
            assertThat(answer(queue, hidden)).isTrue();
            assertThat(isShown(session, queue, 8)).isTrue();
            assertThat(answer(queue, send(queue, 'S', 8))).as("again").isFalse();
            session.stop();
            session.start();
            assertThat(answer(queue, send(queue, 'S', 9))).as("a stop hides nothing").isFalse();
            session.stopAndReset();
            session.start();
            CommandQueue next = new CommandQueue(session.queue(0), ram);
            for (int page = 0; page < 7; page++) assertThat(isShown(session, next, page)).isTrue();
        }
    }

    /** A front-end that reads a request after the reset maps a part that the device has dropped. */
    @Test
    void whatIsShownAfterAResetIsHidden() throws Exception {
        try (ServedDevice device = serve("vhost-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                DeviceSession session = session(device, ram)) {
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            send(queue, 'S', 3);
            BackEndChannel.Request late = request(session, BackEndChannel.SHMEM_MAP, 3);
            session.stopAndReset();
            session.start();
            session.channel().reply(late, 0);
            session.channel().reply(request(session, BackEndChannel.SHMEM_UNMAP, 3), 0);
            assertThat(isShown(session, new CommandQueue(session.queue(0), ram), 3)).isTrue();
        }
    }

    @Test
    void aFrontEndThatRefusesOrGoesIsAnswered() throws Exception {
        try (ServedDevice device = serve("vhost-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                DeviceSession session = session(device, ram)) {
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            CommandQueue.Ticket refused = send(queue, 'S', 1);
            BackEndChannel.Request map = session.channel().receive(Deadline.USUAL);
            map.fds().forEach(Fd::close);
            session.channel().reply(map, 1);
            assertThat(answer(queue, refused)).isFalse();
            CommandQueue.Ticket open = send(queue, 'S', 2);
            session.channel().receive(Deadline.USUAL).fds().forEach(Fd::close);
            session.channel().close();
            assertThat(answer(queue, open)).as("the channel is closed").isFalse();
            assertThat(answer(queue, send(queue, 'S', 4))).as("there is no channel").isFalse();
        }
    }

    @Test
    void overPciAllOfItIsABar() throws Exception {
        try (ServedDevice device = serve("vfio-user");
                GuestRam ram = GuestRam.single(1 << 20, 1);
                VirtioPciSession session = new VirtioPciSession(device.client(), ram,
                        VhostUserBits.F_VERSION_1 | VhostUserBits.F_ACCESS_PLATFORM, QUEUE_SIZE)) {
            session.attach();
            session.start(null);
            CommandQueue queue = new CommandQueue(session.queue(0), ram);
            assertThat(answer(queue, send(queue, 'S', 5))).isTrue();
            long at = SMALL.bytes() + 5 * PAGE;
            assertThat(session.client().read32(4, at)).isEqualTo(0x05050505);
            session.client().write32(4, at, 0x01020304);
            assertThat(session.client().read32(4, at)).isEqualTo(0x01020304);
            assertThat(regions(session)).containsExactly(
                    "region 1 of BAR 4 at 0x0, 0x%x bytes".formatted(SMALL.bytes()),
                    "region 7 of BAR 4 at 0x%x, 0x%x bytes".formatted(SMALL.bytes(), LARGE.bytes()));
        }
    }

    /** As a driver finds them (virtio 1.3 §4.1.4.7). */
    private static List<String> regions(VirtioPciSession session) throws IOException {
        List<String> found = new ArrayList<>();
        int at = session.registers().config(0x34, 1);
        while (at != 0) {
            if (session.registers().config(at, 1) == 9 && session.registers().config(at + 3, 1) == 8) {
                long offset = Integer.toUnsignedLong(session.registers().config(at + 8, 4))
                        | (long) session.registers().config(at + 16, 4) << Integer.SIZE;
                long length = Integer.toUnsignedLong(session.registers().config(at + 12, 4))
                        | (long) session.registers().config(at + 20, 4) << Integer.SIZE;
                found.add("region %d of BAR %d at 0x%x, 0x%x bytes".formatted(session.registers().config(at + 5, 1),
                        session.registers().config(at + 4, 1), offset, length));
            }
            at = session.registers().config(at + 1, 1);
        }
        found.sort(null);
        return found;
    }

    @Test
    void whatNoFrontEndTakesIsRefused() throws IOException {
        FileMappings files = FileMappings.ofProcess();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharedMemory.of("x", List.of(SMALL, SMALL), files)).withMessageContaining("id 1");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> SharedMemory.of("x", List.of(new SharedRegion(0, 3 * PAGE)), files))
                .withMessageContaining("power of two");
        assertThatIllegalArgumentException().isThrownBy(() -> new SharedRegion(256, PAGE));
        assertThatIllegalArgumentException().isThrownBy(() -> new SharedRegion(0, 100));
        try (SharedMemory shared = SharedMemory.of("x", List.of(SMALL, LARGE), files)) {
            MemorySegment small = shared.segment(SMALL.id());
            small.set(ValueLayout.JAVA_BYTE, SMALL.bytes() - 1, (byte) 1);
            assertThat(shared.segment(LARGE.id()).get(ValueLayout.JAVA_BYTE, 0)).isZero();
            assertThatIllegalArgumentException().isThrownBy(() -> shared.segment(2));
            for (long[] part : new long[][]{ { 0, 0 }, { 0, 100 }, { 100, PAGE }, { -PAGE, PAGE }, { 16 * PAGE, PAGE },
                    { 0, 17 * PAGE }, { Long.MAX_VALUE & -PAGE, PAGE } }) {
                assertThatIllegalArgumentException().as("0x%x bytes at 0x%x", part[1], part[0])
                        .isThrownBy(() -> shared.check(LARGE.id(), part[0], part[1]));
            }
            shared.check(LARGE.id(), 0, 16 * PAGE);
        }
    }
}
