package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.budget.Resource;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.GuestRegion;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;

/** The memory table: whole and by slots, right and wrong, and changing while a device works. */
class MemoryLoopbackTest {
    private static final int ADD = 37;
    private static final int REMOVE = 38;
    private static final long MIB = 1 << 20;
    private static final long FREE_USER = 0x7000_0000_0000L;
    private static final long FREE_GUEST = 0x10_0000_0000L;

    @BeforeEach
    @AfterEach
    void nothingIsMapped() {
        Deadline.in(Deadline.USUAL).require(() -> FileMappings.ofProcess().count() == 0, "the last unmapping");
    }

    private static Profile profile(boolean slots) {
        return slots ? Profile.qemu10() : Profile.qemu10().withoutProtocol(VhostUserBits.P_CONFIGURE_MEM_SLOTS);
    }

    private static void showAFrame(AttachedGpu gpu, int resource) throws IOException {
        Canvas canvas = gpu.canvas(resource, GpuWire.FORMAT_B8G8R8X8, 120, 90);
        int[] pixels = canvas.drawNoise(resource);
        int before = gpu.display().messages(Update.class).size();
        canvas.show(0);
        canvas.transfer();
        canvas.flush();
        gpu.display().await(Update.class, before + 1);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(pixels);
    }

    private static AttachedGpu running(GuestRam ram, Profile profile) throws IOException {
        AttachedGpu gpu = AttachedGpu.attached(ram, profile);
        gpu.session().realize();
        gpu.resume();
        return gpu;
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void oneFileInSeveralRegionsWithHoles(boolean slots) throws IOException {
        try (AttachedGpu gpu = running(GuestRam.holed(8, MIB, 3), profile(slots))) {
            showAFrame(gpu, 1);
            assertThat(FileMappings.ofProcess().count()).as("one file, mapped once").isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void regionsThatLieInTheFileInAnotherOrder(boolean slots) throws IOException {
        List<GuestRegion> regions = List.of(
                new GuestRegion(4 * MIB, GuestRam.USER_BASE + 64 * MIB, 4 * MIB, 0),
                new GuestRegion(0, GuestRam.USER_BASE, 4 * MIB, 8 * MIB),
                new GuestRegion(GuestRam.HIGH_BASE, GuestRam.USER_BASE + 32 * MIB, 4 * MIB, 4 * MIB));
        try (AttachedGpu gpu = running(GuestRam.of(regions, 5), profile(slots))) {
            showAFrame(gpu, 1);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void memoryIsTheSameAfterAPause(boolean slots) throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(profile(slots))) {
            showAFrame(gpu, 1);
            gpu.pause();
            gpu.resume();
            showAFrame(gpu, 2);
            gpu.reset();
            gpu.resume();
            showAFrame(gpu, 1);
        }
    }

    @Test
    void ringsGoOnWhileRegionsComeAndGo() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(); Fd more = memfd(MIB)) {
            GuestRegion extra = new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0);
            FrontEnd frontEnd = gpu.session().frontEnd();
            for (int round = 1; round <= 20; round++) {
                frontEnd.addMemReg(extra, more);
                gpu.driver().createResource2d(round, GpuWire.FORMAT_B8G8R8X8, 8, 8).ok();
                gpu.driver().attachBacking(round, List.of(new Buffer(FREE_GUEST, 256))).ok();
                gpu.driver().transferToHost2d(round, GpuRect.of(8, 8), 0).ok();
                frontEnd.remMemReg(extra);
                gpu.driver().transferToHost2d(round, GpuRect.of(8, 8), 0).requireType(GpuWire.RESP_ERR_UNSPEC);
            }
            Deadline.in(Deadline.USUAL).require(() -> FileMappings.ofProcess().count() == 1,
                    "the unmapping of the removed region");
        }
    }

    /** A front-end unplugs memory when it has the answer: nothing may hold the file then. */
    @ParameterizedTest
    @ValueSource(booleans = { true, false })
    void aRegionThatIsRemovedIsHeldByNoBacking(boolean bySlots) throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(profile(bySlots)); Fd more = memfd(MIB)) {
            List<GuestRegion> regions = new ArrayList<>(gpu.ram().regions());
            GuestRegion extra = new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0);
            regions.add(extra);
            FrontEnd frontEnd = gpu.session().frontEnd();
            if (bySlots) {
                frontEnd.addMemReg(extra, more);
            } else {
                frontEnd.setMemTable(regions, List.of(gpu.ram().file(), gpu.ram().file(), more));
            }
            gpu.driver().createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 8, 8).ok();
            gpu.driver().attachBacking(1, List.of(new Buffer(FREE_GUEST, 256))).ok();
            gpu.driver().transferToHost2d(1, GpuRect.of(8, 8), 0).ok();
            gpu.driver().createResource2d(2, GpuWire.FORMAT_B8G8R8X8, 8, 8).ok();
            gpu.driver().attachBacking(2, gpu.ram().allocateScattered(256)).ok();
            gpu.driver().transferToHost2d(2, GpuRect.of(8, 8), 0).ok();
            if (bySlots) {
                frontEnd.remMemReg(extra);
            } else {
                gpu.session().shareMemory();
            }
            int mapped = gpu.backEnd().onLoop(() -> gpu.backEnd().device().space().table().mappings().size());
            assertThat(mapped).as("the other backing stays").isEqualTo(1);
            Deadline.in(Deadline.USUAL).require(() -> FileMappings.ofProcess().count() == 1,
                    "the unmapping of the removed region");
        }
    }

    @Test
    void aRegionThatComesBackUnderABackingServesItAgain() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(); Fd more = memfd(MIB)) {
            GuestRegion extra = new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0);
            FrontEnd frontEnd = gpu.session().frontEnd();
            frontEnd.addMemReg(extra, more);
            gpu.driver().createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 8, 8).ok();
            gpu.driver().attachBacking(1, List.of(new Buffer(FREE_GUEST + 4096, 256))).ok();
            frontEnd.remMemReg(extra);
            gpu.driver().transferToHost2d(1, GpuRect.of(8, 8), 0).requireType(GpuWire.RESP_ERR_UNSPEC);
            gpu.driver().flush(1, GpuRect.of(8, 8)).ok();
            frontEnd.addMemReg(extra, more);
            gpu.driver().transferToHost2d(1, GpuRect.of(8, 8), 0).ok();
            frontEnd.remMemReg(extra);
            gpu.driver().detachBacking(1).ok();
            gpu.driver().unref(1).ok();
        }
    }

    @Test
    void aTableReplacesATableWhileRingsRun() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(profile(false)); Fd more = memfd(MIB)) {
            showAFrame(gpu, 1);
            List<GuestRegion> regions = new ArrayList<>(gpu.ram().regions());
            regions.add(new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0));
            gpu.session().frontEnd().setMemTable(regions, List.of(gpu.ram().file(), gpu.ram().file(), more));
            gpu.driver().createResource2d(2, GpuWire.FORMAT_B8G8R8X8, 8, 8).ok();
            gpu.driver().attachBacking(2, List.of(new Buffer(FREE_GUEST, 256))).ok();
            gpu.session().shareMemory();
            gpu.driver().transferToHost2d(2, GpuRect.of(8, 8), 0).requireType(GpuWire.RESP_ERR_UNSPEC);
            showAFrame(gpu, 3);
        }
    }

    @Test
    void aRingWhoseMemoryGoesIsGivenUpAndWorksAfterAReset() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(profile(false))) {
            FrontEnd frontEnd = gpu.session().frontEnd();
            frontEnd.setMemTable(List.of(), List.of());
            gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
            assertThat(gpu.session().queue(0).awaitError(Deadline.USUAL)).isTrue();
            assertThat(gpu.backEnd().log().count("is not guest memory")).isEqualTo(1);
            gpu.reset();
            gpu.resume();
            showAFrame(gpu, 1);
        }
    }

    private static Fd memfd(long bytes) throws IOException {
        Fd fd = Memfd.create("loopback-extra", Memfd.ALLOW_SEALING);
        Memfd.resize(fd, bytes);
        return fd;
    }

    private static ByteBuffer one(GuestRegion region) {
        return ByteBuffer.allocate(40).order(ByteOrder.nativeOrder()).putLong(0).putLong(region.guestAddress())
                .putLong(region.size()).putLong(region.userAddress()).putLong(region.fileOffset()).flip();
    }

    private static long add(AttachedGpu gpu, GuestRegion region, Fd fd) throws IOException {
        return gpu.session().frontEnd().request(ADD, one(region), fd).value();
    }

    @Test
    void everyWrongRegionIsRefusedAndTheOldTableStays() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start();
                Fd file = memfd(MIB);
                Fd empty = memfd(0);
                Fd event = EventFd.create();
                Fd sealed = gpu.ram().file().duplicate()) {
            UnixSocket.Pair pair = UnixSocket.pair();
            gpu.backEnd().onLoop(() -> 0);
            int before = Fd.openCount();
            GuestRegion first = gpu.ram().regions().getFirst();
            GuestRegion good = new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0);
            assertThat(add(gpu, good, event)).as("an eventfd").isNotZero();
            assertThat(add(gpu, good, pair.first())).as("a socket").isNotZero();
            assertThat(add(gpu, good, empty)).as("an empty file").isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, MIB + 4096, 0), file)).as("file too small")
                    .isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, MIB, 4096), file)).as("offset too large")
                    .isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, MIB, -4096), file)).as("negative offset")
                    .isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, 0, 0), file)).as("no bytes").isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, Long.MIN_VALUE, 0), file)).as("2^63 bytes")
                    .isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST + 1, FREE_USER, 4096, 0), file)).as("unaligned").isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, FREE_USER, 100, 0), file)).as("unaligned size").isNotZero();
            assertThat(add(gpu, new GuestRegion(-4096, FREE_USER, 8192, 0), file)).as("around 2^64").isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, -4096, 8192, 0), file)).as("user around 2^64").isNotZero();
            assertThat(add(gpu, new GuestRegion(first.guestAddress() + 4096, FREE_USER, 4096, 0), file))
                    .as("overlaps").isNotZero();
            assertThat(add(gpu, new GuestRegion(FREE_GUEST, first.userAddress() + 4096, 4096, 0), file))
                    .as("user addresses overlap").isNotZero();
            assertThat(add(gpu, first, sealed)).as("there already").isNotZero();
            FrontEnd frontEnd = gpu.session().frontEnd();
            assertThat(frontEnd.request(REMOVE, one(good)).value()).as("never added").isNotZero();
            assertThat(frontEnd.request(REMOVE, one(new GuestRegion(first.guestAddress(), first.userAddress(), 4096,
                    0))).value()).as("a part").isNotZero();
            assertThat(frontEnd.request(REMOVE, one(new GuestRegion(first.guestAddress(), FREE_USER, first.size(),
                    0))).value()).as("another user address").isNotZero();
            assertThat(frontEnd.request(5, table(first, good), sealed, event).value()).as("a table with an eventfd")
                    .isNotZero();
            assertThat(frontEnd.request(5, table(first, first), sealed, sealed).value()).as("a table with one twice")
                    .isNotZero();
            showAFrame(gpu, 1);
            Deadline.requireOwned(before);
            assertThat(gpu.backEnd().log().count("a memory table is refused")).isEqualTo(20);
            pair.first().close();
            pair.second().close();
        }
    }

    private static ByteBuffer table(GuestRegion... regions) {
        ByteBuffer out = ByteBuffer.allocate(8 + 32 * regions.length).order(ByteOrder.nativeOrder())
                .putInt(regions.length).putInt(0);
        for (GuestRegion region : regions) {
            out.putLong(region.guestAddress()).putLong(region.size()).putLong(region.userAddress())
                    .putLong(region.fileOffset());
        }
        return out.flip();
    }

    /** Accepted, this would be a SIGBUS at the first access. */
    @Test
    void aFileThatShrankIsMeasuredAgain() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(); Fd file = memfd(MIB)) {
            GuestRegion first = new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0);
            gpu.session().frontEnd().addMemReg(first, file);
            Memfd.resize(file, MIB / 2);
            assertThat(add(gpu, new GuestRegion(2 * FREE_GUEST, FREE_USER + MIB, MIB, 0), file)).isNotZero();
            assertThat(add(gpu, new GuestRegion(2 * FREE_GUEST, FREE_USER + MIB, MIB / 2, 0), file)).isZero();
            showAFrame(gpu, 1);
        }
    }

    @Test
    void unsealedMemoryIsWarnedOfOnce() throws IOException {
        try (AttachedGpu gpu = AttachedGpu.start(); Fd first = memfd(MIB); Fd second = memfd(MIB)) {
            assertThat(gpu.backEnd().log().count("F_SEAL_SHRINK")).as("sealed").isZero();
            gpu.session().frontEnd().addMemReg(new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0), first);
            gpu.session().frontEnd().addMemReg(new GuestRegion(2 * FREE_GUEST, 2 * FREE_USER, MIB, 0), second);
            assertThat(gpu.backEnd().log().count("F_SEAL_SHRINK")).isEqualTo(1);
        }
    }

    @Test
    void slotsEndAt509() throws IOException {
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults()); Fd file = memfd(4096)) {
            FrontEnd frontEnd = backEnd.connect();
            frontEnd.setProtocolFeatures(VhostUserBits.P_REPLY_ACK | VhostUserBits.P_CONFIGURE_MEM_SLOTS);
            frontEnd.acknowledge(true);
            assertThat(frontEnd.getMaxMemSlots()).isEqualTo(509);
            for (int i = 0; i < 509; i++) {
                frontEnd.addMemReg(new GuestRegion(8192L * i, FREE_USER + 8192L * i, 4096, 0), file);
            }
            GuestRegion last = new GuestRegion(8192L * 509, FREE_USER + 8192L * 509, 4096, 0);
            assertThat(frontEnd.request(ADD, one(last), file).value()).isNotZero();
            frontEnd.remMemReg(new GuestRegion(8192L * 100, FREE_USER + 8192L * 100, 4096, 0));
            frontEnd.addMemReg(last, file);
            frontEnd.close();
            backEnd.awaitGone();
            assertThat(backEnd.log().count("no memory slot left")).isEqualTo(1);
        }
    }

    /** 128 TiB are all addresses that a process has: sparse files cost their owner nothing. */
    @Test
    void sparseFilesOfAGreedyFrontEndLeaveAddressesForItsNeighbours() throws IOException {
        try (GpuBackEnd backEnd = new GpuBackEnd(GpuOptions.defaults()); AttachedGpu neighbour = AttachedGpu.start()) {
            FrontEnd greedy = backEnd.connect();
            greedy.setProtocolFeatures(VhostUserBits.P_REPLY_ACK | VhostUserBits.P_CONFIGURE_MEM_SLOTS);
            greedy.acknowledge(true);
            int taken = 0;
            int refused = 0;
            for (long bytes = 1L << 46; bytes >= MIB; bytes /= 2) {
                try (Fd file = memfd(bytes)) {
                    GuestRegion region = new GuestRegion(taken * MIB, FREE_USER + taken * MIB, 4096, 0);
                    if (greedy.request(ADD, one(region), file).value() == 0) {
                        taken++;
                    } else {
                        refused++;
                    }
                }
            }
            assertThat(taken).isPositive();
            assertThat(refused).isPositive();
            assertThat(backEnd.log().count("more bytes of address space: it has")).isEqualTo(refused);
            try (Fd more = memfd(1L << 40)) {
                neighbour.session().frontEnd().addMemReg(new GuestRegion(FREE_GUEST, FREE_USER, MIB, 0), more);
            }
            showAFrame(neighbour, 1);
            greedy.close();
            backEnd.awaitGone();
            Deadline.in(Deadline.USUAL).require(
                    () -> backEnd.share().used(Resource.ADDRESS_SPACE) == 0
                            && backEnd.share().used(Resource.FILES) == 0,
                    "giving the addresses back");
        }
    }
}
