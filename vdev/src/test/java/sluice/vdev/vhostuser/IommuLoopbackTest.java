package sluice.vdev.vhostuser;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.CompletableFuture;

import com.sun.management.ThreadMXBean;
import org.junit.jupiter.api.Test;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.trace.EventKind;
import sluice.vdev.fixture.BackEndChannel;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.IotlbMessage;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VhostUserRequest;
import sluice.vdev.fixture.VringState;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.FrontIommuPeer;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.KeptTrace;
import sluice.vdev.loopback.KeptTrace.Told;

import static org.assertj.core.api.Assertions.assertThat;

/** A GPU behind a VM's IOMMU: nothing is reached that was not asked for, and what is taken back is not used again. */
class IommuLoopbackTest {
    private static final long SEED = 20_261_122;
    private static final int B8G8R8X8 = 2;
    private static final int PAGE = 4096;
    private static final int STARTS = 500;

    /** A guest with an IOMMU and its driver. */
    private record Guest(AttachedGpu gpu, FrontIommuPeer iommu) implements AutoCloseable {
        static Guest start() throws IOException {
            return start(new GpuBackEnd(GpuOptions.defaults()));
        }

        static Guest start(GpuBackEnd backEnd) throws IOException {
            Profile plain = Profile.qemu10();
            Profile behindIommu = new Profile(plain.protocolBits(), plain.driverFeatures(),
                    plain.forcedFeatures() | VhostUserBits.F_ACCESS_PLATFORM, true, true);
            AttachedGpu gpu = AttachedGpu.attached(backEnd, GuestRam.split(16 << 20, 16 << 20, SEED), behindIommu);
            gpu.session().realize();
            FrontIommuPeer iommu = new FrontIommuPeer(gpu.session(), gpu.ram());
            gpu.resume();
            return new Guest(gpu, iommu);
        }

        @Override
        public void close() throws IOException {
            iommu.close();
            gpu.close();
        }
    }

    private static void assertShown(AttachedGpu gpu, Canvas canvas, int[] pixels) throws IOException {
        int before = gpu.display().messages(Update.class).size();
        canvas.transfer();
        canvas.flush();
        gpu.display().await(Update.class, before + 1);
        assertThat(gpu.display().picture(0).pixels()).isEqualTo(pixels);
    }

    @Test
    void theFeatureIsOffered() throws Exception {
        try (Guest guest = Guest.start()) {
            assertThat(guest.gpu().session().ackedFeatures() & VhostUserBits.F_ACCESS_PLATFORM).isNotZero();
        }
    }

    @Test
    void aPictureIsDrawnAndEachPageIsAskedForOnce() throws Exception {
        try (Guest guest = Guest.start()) {
            Canvas canvas = guest.gpu().canvas(1, B8G8R8X8, 300, 200);
            canvas.show(0);
            for (int frame = 0; frame < 3; frame++) {
                int[] pixels = canvas.drawNoise(frame);
                assertShown(guest.gpu(), canvas, pixels);
            }
            assertThat(guest.iommu().misses()).doesNotHaveDuplicates();
        }
    }

    /** What {@code --record} has of it: each question with its time, and what was translated and copied. */
    @Test
    void whatWasAskedAndTranslatedIsRecorded() throws Exception {
        KeptTrace kept = new KeptTrace(true);
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withTrace(kept));
        long refused;
        long begun = System.nanoTime();
        try (Guest guest = Guest.start(new GpuBackEnd(core, Stream.COHERENT))) {
            Canvas canvas = guest.gpu().canvas(1, B8G8R8X8, 300, 200);
            canvas.show(0);
            assertShown(guest.gpu(), canvas, canvas.drawNoise(1));
            List<Buffer> backing = guest.gpu().ram().allocateScattered(PAGE);
            refused = backing.getFirst().address();
            guest.iommu().deny(refused);
            guest.gpu().driver().createResource2d(2, B8G8R8X8, 32, 32).ok();
            assertThat(guest.gpu().driver().attachBacking(2, backing).type()).isEqualTo(0x1200);
            assertThat(kept.of(EventKind.MISS)).extracting(Told::from)
                    .isEqualTo(guest.iommu().misses().stream().map(IotlbMessage::iova).toList());
        }
        assertThat(kept.of(EventKind.MISS)).allSatisfy(miss -> {
            assertThat(kept.names()).containsEntry(miss.attachment(), "front of gpu");
            assertThat(miss.bytes()).isEqualTo(PAGE);
            assertThat(miss.nanos()).isPositive();
            assertThat(miss.detail()).isEqualTo(miss.from() == refused ? 1 : 0);
        });
        assertThat(kept.of(EventKind.MISS).stream().mapToLong(Told::nanos).sum())
                .as("waited for all together, of which many were open at a time")
                .isLessThan(System.nanoTime() - begun);
        assertThat(kept.of(EventKind.TRANSLATE)).extracting(Told::bytes)
                .as("the list of pages, and a transfer").containsExactly(300 * 200 * 4L, 300 * 200 * 4L);
        assertThat(kept.of(EventKind.FRAME)).singleElement()
                .satisfies(frame -> assertThat(kept.names()).containsEntry(frame.attachment(), "gpu"));
    }

    @Test
    void whatIsInvalidatedIsAskedForAgain() throws Exception {
        try (Guest guest = Guest.start()) {
            Canvas canvas = guest.gpu().canvas(1, B8G8R8X8, 300, 200);
            canvas.show(0);
            assertShown(guest.gpu(), canvas, canvas.drawNoise(1));
            long page = canvas.backing().getFirst().address() & -PAGE;
            long before = asked(guest, page);
            guest.iommu().invalidate(page, PAGE);
            assertThat(guest.gpu().backEnd().onLoop(
                    () -> guest.gpu().backEnd().device().space().table().mappings())).as("nothing of it is mapped")
                    .isEmpty();
            assertShown(guest.gpu(), canvas, canvas.drawNoise(2));
            assertThat(asked(guest, page)).isEqualTo(before + 1);
        }
    }

    private static long asked(Guest guest, long page) {
        return guest.iommu().misses().stream().filter(miss -> miss.iova() == page).count();
    }

    @Test
    void everythingMayBeTakenBackInTheMiddleOfTheWork() throws Exception {
        try (Guest guest = Guest.start()) {
            Canvas canvas = guest.gpu().canvas(1, B8G8R8X8, 300, 200);
            canvas.show(0);
            for (int round = 0; round < 20; round++) {
                int[] pixels = canvas.drawNoise(round);
                // Intel's flush of a whole domain: all but the range of interrupt messages.
                CompletableFuture<Void> flush = CompletableFuture.runAsync(() -> {
                    try {
                        guest.iommu().invalidate(0, 0xfee0_0000L);
                        guest.iommu().invalidate(0xfef0_0000L, 0xffff_ffff_0110_0000L);
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                });
                assertShown(guest.gpu(), canvas, pixels);
                flush.join();
            }
        }
    }

    @Test
    void memoryThatMayOnlyBeWrittenIsNotRead() throws Exception {
        try (Guest guest = Guest.start()) {
            List<Buffer> backing = guest.gpu().ram().allocateScattered(64 * 64 * 4);
            guest.iommu().allowWritesOnly(backing.getFirst().address());
            guest.gpu().driver().createResource2d(1, B8G8R8X8, 64, 64).ok();
            GpuResponse refused = guest.gpu().driver().attachBacking(1, backing);
            assertThat(refused.type()).isEqualTo(0x1200);
            assertThat(guest.gpu().backEnd().onLoop(() -> guest.gpu().backEnd().device().space().table().mappings()))
                    .isEmpty();
        }
    }

    @Test
    void aStopDuringAQuestionIsAnsweredAndTheCommandGoesOnAfterwards() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            List<Buffer> backing = gpu.ram().allocateScattered(64 * 64 * 4);
            gpu.driver().createResource2d(1, B8G8R8X8, 64, 64).ok();
            guest.iommu().pause(true);
            ByteBuffer head = GpuCommands.attachBacking(1, backing.size());
            ByteBuffer entries = GpuCommands.entries(backing);
            GpuDriver.Pending attach = gpu.driver().begin(ByteBuffer.allocate(head.remaining() + entries.remaining())
                    .order(ByteOrder.LITTLE_ENDIAN).put(head).put(entries).flip(), GpuWire.HDR_BYTES);
            // The question is on its way and stays without an answer: QEMU's one thread waits for ours.
            List<VringState> states = gpu.pause();
            assertThat(states.getFirst().base()).as("the command was not taken").isEqualTo(1);
            guest.iommu().pause(false);
            gpu.resume();
            assertThat(gpu.driver().await(attach).type()).isEqualTo(0x1100);
        }
    }

    @Test
    void aRingThatIsNotMappedStopsAndNothingElse() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            gpu.driver().createResource2d(1, B8G8R8X8, 8, 8).ok();
            gpu.pause();
            long ring = gpu.session().queue(0).driver().layout().descriptorAddress();
            guest.iommu().deny(ring);
            guest.iommu().invalidate(ring & -PAGE, PAGE);
            gpu.resume();
            long misses = guest.iommu().misses().stream().filter(miss -> miss.iova() == (ring & -PAGE)).count();
            gpu.session().queue(0).kick();
            gpu.backEnd().settle();
            gpu.backEnd().onLoop(() -> null);
            assertThat(guest.iommu().misses().stream().filter(miss -> miss.iova() == (ring & -PAGE)).count())
                    .as("it does not ask in a loop").isLessThanOrEqualTo(misses + 1);
            gpu.reset();
            guest.iommu().allow(ring);
            gpu.resume();
            gpu.driver().createResource2d(1, B8G8R8X8, 8, 8).ok();
        }
    }

    /** A page granted read-only is not written; the queue gets a refusal and does not repeat the request. */
    @Test
    void aPageThatIsGrantedForReadingIsNotWritten() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            Buffer request = gpu.ram().allocate(PAGE);
            Buffer answer = gpu.ram().allocate(PAGE);
            gpu.ram().write(request, GpuCommands.getDisplayInfo());
            gpu.ram().slice(answer).fill((byte) 0x5a);
            guest.iommu().grantReadsOnly(answer.address());
            gpu.session().queue(0).driver().submit(List.of(new Buffer(request.address(), GpuWire.HDR_BYTES)),
                    List.of(answer));
            gpu.session().queue(0).kick();
            assertThat(gpu.session().queue(0).awaitError(Deadline.USUAL)).isTrue();
            assertThat(gpu.ram().read(List.of(answer), 0, PAGE)).containsOnly(0x5a);
            assertThat(guest.iommu().misses().stream().filter(miss -> miss.iova() == answer.address())).hasSize(2);
        }
    }

    /** Running queues keep their translations, and so an invalidation has to reach those. */
    @Test
    void featuresThatAreSetAgainWhileRingsRunChangeNothing() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            gpu.driver().createResource2d(1, B8G8R8X8, 8, 8).ok();
            gpu.session().frontEnd().setFeatures(gpu.session().ackedFeatures());
            Buffer answer = gpu.ram().allocate(PAGE);
            Buffer request = gpu.ram().allocate(PAGE);
            gpu.ram().write(request, GpuCommands.getDisplayInfo());
            for (int round = 0; round < 2; round++) {
                gpu.session().queue(0).driver().submit(List.of(new Buffer(request.address(), GpuWire.HDR_BYTES)),
                        List.of(answer));
                gpu.session().queue(0).kick();
                if (round == 0) {
                    assertThat(gpu.session().queue(0).awaitInterrupt(Deadline.USUAL)).isTrue();
                    assertThat(gpu.session().queue(0).driver().poll()).isPresent();
                    guest.iommu().deny(request.address());
                    guest.iommu().invalidate(request.address(), PAGE);
                }
            }
            assertThat(gpu.session().queue(0).awaitError(Deadline.USUAL)).as("the page is not read again").isTrue();
        }
    }

    /** Each start forgets what was known, and none builds the tables anew: that cost a mebibyte for each message. */
    @Test
    void featuresThatAreSetAgainAndAgainCostLittleAndForgetWhatWasKnown() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            gpu.driver().createResource2d(1, B8G8R8X8, 8, 8).ok();
            gpu.pause();
            long ring = gpu.session().queue(0).driver().layout().descriptorAddress() & -PAGE;
            long before = asked(guest, ring);
            gpu.session().frontEnd().setFeatures(gpu.session().ackedFeatures());
            long began = gpu.backEnd().onLoop(IommuLoopbackTest::allocatedBytes);
            for (int i = 0; i < STARTS; i++) gpu.session().frontEnd().setFeatures(gpu.session().ackedFeatures());
            gpu.backEnd().settle();
            assertThat(gpu.backEnd().onLoop(IommuLoopbackTest::allocatedBytes) - began).isLessThan(STARTS * 64L * 1024);
            gpu.resume();
            gpu.driver().createResource2d(2, B8G8R8X8, 8, 8).ok();
            assertThat(asked(guest, ring)).isGreaterThan(before);
            guest.iommu().deny(ring);
            guest.iommu().invalidate(ring, PAGE);
            gpu.session().queue(0).kick();
            assertThat(gpu.session().queue(0).awaitError(Deadline.USUAL)).as("the ring is not read again").isTrue();
        }
    }

    private static long allocatedBytes() {
        return ((ThreadMXBean) ManagementFactory.getThreadMXBean())
                .getThreadAllocatedBytes(Thread.currentThread().threadId());
    }

    @Test
    void otherFeaturesAreRefusedWhileRingsRun() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            ByteBuffer others = ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0,
                    gpu.session().ackedFeatures() & ~VhostUserBits.F_ACCESS_PLATFORM);
            FrontEnd frontEnd = gpu.session().frontEnd();
            assertThat(frontEnd.request(VhostUserRequest.SET_FEATURES.id(), others).value()).isEqualTo(1);
            others.putLong(0, gpu.session().protocolFeatures() ^ VhostUserBits.P_GPA_ADDRESSES);
            assertThat(frontEnd.request(VhostUserRequest.SET_PROTOCOL_FEATURES.id(), others).value()).isEqualTo(1);
            assertThat(gpu.backEnd().log().count("but the rings already run with")).isEqualTo(2);
            gpu.driver().createResource2d(1, B8G8R8X8, 8, 8).ok();
        }
    }

    @Test
    void aChannelThatIsReplacedIsAskedWhatTheOneBeforeHasNotAnswered() throws Exception {
        try (Guest guest = Guest.start(); BackEndChannel fresh = BackEndChannel.open()) {
            AttachedGpu gpu = guest.gpu();
            List<Buffer> backing = gpu.ram().allocateScattered(PAGE);
            gpu.driver().createResource2d(1, B8G8R8X8, 32, 32).ok();
            guest.iommu().pause(true);
            ByteBuffer head = GpuCommands.attachBacking(1, backing.size());
            ByteBuffer entries = GpuCommands.entries(backing);
            GpuDriver.Pending attach = gpu.driver().begin(ByteBuffer.allocate(head.remaining() + entries.remaining())
                    .order(ByteOrder.LITTLE_ENDIAN).put(head).put(entries).flip(), GpuWire.HDR_BYTES);
            guest.iommu().awaitHeldQuestion();
            int answered = guest.iommu().misses().size();
            gpu.session().frontEnd().setBackendReqFd(fresh.backEndSide());
            long wanted = backing.getFirst().address() & -PAGE;
            long page;
            do {
                BackEndChannel.Request question = fresh.receive(Deadline.USUAL);
                page = question.iotlb().iova();
                gpu.session().frontEnd().iotlb(
                        new IotlbMessage(page, PAGE, gpu.ram().userAddress(page), 3, IotlbMessage.UPDATE));
                fresh.reply(question, 0);
            } while (page != wanted);
            assertThat(gpu.driver().await(attach).type()).isEqualTo(0x1100);
            assertThat(guest.iommu().misses()).as("answered on the old channel").hasSize(answered);
        }
    }

    @Test
    void anUpdateNobodyAskedForGrantsNothing() throws Exception {
        try (Guest guest = Guest.start()) {
            AttachedGpu gpu = guest.gpu();
            List<Buffer> backing = gpu.ram().allocateScattered(64 * 64 * 4);
            long page = backing.getFirst().address() & -PAGE;
            guest.iommu().deny(page);
            gpu.session().frontEnd().iotlb(
                    new IotlbMessage(page, PAGE, gpu.ram().userAddress(page), 3, IotlbMessage.UPDATE));
            gpu.driver().createResource2d(1, B8G8R8X8, 64, 64).ok();
            assertThat(gpu.driver().attachBacking(1, backing).type()).isEqualTo(0x1200);
        }
    }
}
