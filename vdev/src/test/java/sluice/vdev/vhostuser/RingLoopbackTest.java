package sluice.vdev.vhostuser;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DeviceSession.Profile;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.DriverQueue;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.FrontEndQueue;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.VhostUserBits;
import sluice.vdev.fixture.VringState;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;

import static org.assertj.core.api.Assertions.assertThat;

/** Rings as front-ends start, stop, disturb and break them. */
class RingLoopbackTest {
    private static final Duration A_MOMENT = Duration.ofMillis(50);
    private static final int CONTROL = 0;

    private AttachedGpu gpu;
    private FrontEnd frontEnd;
    private FrontEndQueue control;

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.start();
        frontEnd = gpu.session().frontEnd();
        control = gpu.session().queue(CONTROL);
        gpu.backEnd().onLoop(() -> 0);
    }

    @AfterEach
    void end() {
        gpu.close();
    }

    private void works() throws IOException {
        assertThat(gpu.driver().getDisplayInfo().outputs().getFirst().enabled()).isTrue();
    }

    private GpuDriver.Pending ask() throws IOException {
        return gpu.driver().add(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
    }

    /** RESET_DEVICE: "disable all rings and reset all internal device state" (vhost-user.rst). */
    @ParameterizedTest
    @ValueSource(longs = { 0, VhostUserBits.F_RING_PACKED })
    void aResetForgetsWhereRingsWereAndThatTheyWereEnabled(long ring) throws IOException {
        try (AttachedGpu other = AttachedGpu.start(Profile.qemu10().withForced(ring))) {
            FrontEnd ends = other.session().frontEnd();
            FrontEndQueue queue = other.session().queue(CONTROL);
            other.driver().getDisplayInfo().outputs();
            other.driver().getDisplayInfo().outputs();
            ends.getVringBase(CONTROL);
            ends.getVringBase(1);
            ends.resetDevice();
            int start = queue.driver().kind().start();
            assertThat(ends.getVringBase(CONTROL).base()).isEqualTo(start);
            queue.driver().restart(start);
            other.driver().control().forget();
            queue.interrupted();
            // As the front-end of before would start it, but for SET_VRING_BASE and SET_VRING_ENABLE.
            ends.setVringKick(CONTROL, queue.kickFd());
            GpuDriver.Pending pending = other.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
            queue.kick();
            assertThat(queue.awaitInterrupt(A_MOMENT)).as("a ring that is not enabled").isFalse();
            ends.setVringEnable(CONTROL, true);
            assertThat(other.driver().await(pending).outputs()).isNotEmpty();
        }
    }

    @Test
    void descriptorsAreReplacedAtAnyTimeAndOldOnesClosed() throws IOException {
        works();
        gpu.backEnd().onLoop(() -> 0);
        int before = Fd.openCount();
        try (Fd kick = EventFd.create(); Fd call = EventFd.create(); Fd error = EventFd.create()) {
            for (int i = 0; i < 100; i++) {
                frontEnd.setVringKick(CONTROL, kick);
                frontEnd.setVringCall(CONTROL, call);
                frontEnd.setVringErr(CONTROL, error);
            }
            gpu.backEnd().onLoop(() -> 0);
            assertThat(Fd.openCount()).isLessThanOrEqualTo(before + 3);
            GpuDriver.Pending pending = ask();
            control.driver().publish();
            EventFd.signal(kick);
            Deadline.in(Deadline.USUAL).require(() -> drained(call), "an interrupt on the new descriptor");
            assertThat(control.interrupted()).as("nothing on the old one").isFalse();
            assertThat(control.driver().usedPending()).isTrue();
            gpu.driver().control().polling(true);
            gpu.driver().await(pending).outputs();
            gpu.driver().control().polling(false);

            // A kick on the replaced descriptor is ignored.
            GpuDriver.Pending unseen = ask();
            control.driver().publish();
            control.kick();
            gpu.backEnd().onLoop(() -> 0);
            assertThat(control.driver().usedPending()).isFalse();
            EventFd.signal(kick);
            frontEnd.setVringCall(CONTROL, control.callFd());
            frontEnd.setVringKick(CONTROL, control.kickFd());
            gpu.driver().control().polling(true);
            gpu.driver().await(unseen).outputs();
            gpu.driver().control().polling(false);
        }
        works();
        frontEnd.setVringErr(CONTROL, control.errFd());
        gpu.backEnd().onLoop(() -> 0);
        assertThat(Fd.openCount()).isLessThanOrEqualTo(before);
    }

    private static boolean drained(Fd event) {
        try {
            return EventFd.drain(event) != 0;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aDriverThatPollsNeedsNoCallDescriptor() throws IOException {
        frontEnd.setVringCall(CONTROL, null);
        frontEnd.setVringErr(CONTROL, null);
        gpu.driver().control().polling(true);
        for (int i = 0; i < 100; i++) {
            works();
        }
        assertThat(control.interrupted()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = { 13, 14 })
    void aDescriptorThatIsNoEventIsRefused(int message) throws IOException {
        int before = Fd.openCount();
        try (Fd file = Memfd.create("no-event", 0)) {
            assertThat(frontEnd.request(message, index(CONTROL), file).value()).isNotZero();
        }
        Deadline.requireOwned(before);
        works();
    }

    @Test
    void aRingIsNotPolled() throws IOException {
        assertThat(frontEnd.request(12, index(CONTROL | FrontEnd.NO_FD)).value()).isNotZero();
        works();
    }

    private static ByteBuffer index(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, value);
    }

    @Test
    void aDisabledRingWaitsAndAnEnabledOneCatchesUp() throws IOException {
        frontEnd.setVringEnable(CONTROL, false);
        frontEnd.getQueueNum(); // an answer, so the message before was carried out
        GpuDriver.Pending pending = ask();
        control.driver().publish();
        control.kick();
        gpu.backEnd().onLoop(() -> 0);
        gpu.backEnd().onLoop(() -> 0);
        assertThat(control.driver().usedPending()).isFalse();
        frontEnd.setVringEnable(CONTROL, true);
        gpu.driver().await(pending).outputs();
        frontEnd.setVringEnable(CONTROL, true);
        works();
    }

    @Test
    void aDisabledRingStaysQuietWhenTheDisplayCatchesUp() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 1024, 1024);
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        gpu.display().pause();
        long frames = gpu.backEnd().statistic(GpuStatistics::frames);
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        Deadline.in(Deadline.USUAL).require(() -> gpu.backEnd().statistic(GpuStatistics::frames) > frames,
                "a flush that is under way");
        frontEnd.setVringEnable(CONTROL, false);
        frontEnd.getQueueNum();
        GpuDriver.Pending behind = gpu.driver().begin(GpuCommands.unref(1), GpuWire.HDR_BYTES);
        gpu.display().resume();
        gpu.driver().await(flush).ok();
        gpu.backEnd().onLoop(() -> 0);
        assertThat(behind.ticket().done()).isFalse();
        assertThat(control.driver().usedPending()).isFalse();
        frontEnd.setVringEnable(CONTROL, true);
        gpu.driver().await(behind).ok();
    }

    @Test
    void stopTellsTheBaseAndStartGoesOnThere() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 64, 64);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        for (int i = 0; i < 100; i++) {
            works();
        }
        List<VringState> states = gpu.pause();
        assertThat(states).containsExactly(new VringState(0, control.driver().lastUsed()), new VringState(1, 0));
        GpuDriver.Pending whilePaused = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        gpu.backEnd().onLoop(() -> 0);
        assertThat(control.driver().usedPending()).isFalse();
        gpu.resume();
        gpu.driver().await(whilePaused).ok();
        gpu.display().await(Update.class, 2);
        assertThat(gpu.display().picture(0).pixels()).as("resources live on").isEqualTo(pixels);
        assertThat(frontEnd.getVringBase(CONTROL).base()).isEqualTo(control.driver().lastUsed());
        assertThat(frontEnd.getVringBase(CONTROL).base()).as("asked again").isEqualTo(control.driver().lastUsed());
    }

    @Test
    void aRingGoesOnAnywhereEvenOverTheWrap() throws IOException {
        gpu.pause();
        for (int base : new int[]{ 65_530, 32_767, 1 }) {
            control.driver().restart(base);
            gpu.session().base(CONTROL, base);
            gpu.driver().control().forget();
            gpu.resume();
            for (int i = 0; i < 20; i++) {
                works();
            }
            assertThat(gpu.pause().getFirst().base()).isEqualTo((base + 20) & 0xffff);
        }
        gpu.resume();
    }

    @Test
    void resetDropsResourcesAndPauseDoesNot() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 64, 64);
        canvas.show(0);
        gpu.pause();
        gpu.resume();
        canvas.flush();
        gpu.reset();
        gpu.resume();
        gpu.driver().flush(1, canvas.all()).requireType(GpuWire.RESP_ERR_INVALID_RESOURCE_ID);
        works();
        assertThat(gpu.display().messages(Scanout.class)).isEmpty();
        gpu.driver().createResource2d(1, GpuWire.FORMAT_B8G8R8X8, 64, 64).ok();
    }

    @Test
    void resetOfARunningDeviceStopsItsRings() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 64, 64);
        canvas.show(0);
        frontEnd.resetDevice();
        assertThat(gpu.display().await(Scanout.class, 2).getLast()).isEqualTo(new Scanout(0, 0, 0));
        gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        control.kick();
        gpu.backEnd().onLoop(() -> 0);
        assertThat(control.driver().usedPending()).isFalse();
        gpu.reset();
        gpu.resume();
        works();
    }

    @Test
    void aStopDoesNotWaitForADisplayThatDoesNotRead() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 1024, 1024);
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        gpu.display().pause();
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        GpuDriver.Pending behind = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        assertThat(control.awaitInterrupt(A_MOMENT)).as("the flush waits").isFalse();
        frontEnd.setVringEnable(CONTROL, false);
        assertThat(frontEnd.getVringBase(CONTROL).base()).as("the command behind is not taken")
                .isEqualTo((control.driver().lastUsed() + 1) & 0xffff);
        assertThat(control.driver().usedPending()).as("the answer is there when the base is").isTrue();
        gpu.driver().await(flush).ok();
        gpu.session().base(CONTROL, control.driver().lastUsed());
        gpu.pause();
        gpu.resume();
        gpu.driver().await(behind).outputs();
    }

    @Test
    void aStopDoesNotWaitForADisplayThatDoesNotAnswerAndTheQuestionIsAskedAgain() throws IOException {
        gpu.display().mute();
        GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        assertThat(control.awaitInterrupt(A_MOMENT)).isFalse();
        assertThat(gpu.session().stop().getFirst().base()).as("the command is not taken")
                .isEqualTo(control.driver().lastUsed());
        gpu.pause();
        gpu.resume();
        assertThat(gpu.driver().await(info).outputs()).isNotEmpty();
        works();
    }

    /** The guest gets the values of the present display, not the defaults without one. */
    @Test
    void aDisplayThatIsReplacedIsAskedWhatTheOneBeforeHasNotAnswered() throws IOException {
        gpu.display().mute();
        GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
        assertThat(control.awaitInterrupt(A_MOMENT)).isFalse();
        DisplayPeer old = gpu.replaceDisplay();
        assertThat(gpu.driver().await(info).outputs().getFirst().rect())
                .isEqualTo(GpuRect.of(AttachedGpu.WIDTH, AttachedGpu.HEIGHT));
        old.close();
    }

    /** Ways to break a ring, by what ends up in it. */
    enum Breakage {
        HEAD {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().rawAvail(queue.rings().availIndex() & 63, 64);
                queue.rings().availIndex(queue.rings().availIndex() + 1);
            }
        },
        INDEX {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().availIndex(queue.rings().availIndex() + 65);
            }
        },
        LOOP {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().rawDescriptor(63, 0x10_0000, 24, 1, 63);
                offer(queue);
            }
        },
        NO_MEMORY {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().rawDescriptor(63, 0x7000_0000_0000L, 24, 0, 0);
                offer(queue);
            }
        },
        ORDER {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().rawDescriptor(62, 0x10_0000, 24, 0, 0);
                queue.rings().rawDescriptor(63, 0x10_1000, 24, 3, 62);
                offer(queue);
            }
        },
        NESTED {
            @Override
            void break_(DriverQueue queue) {
                queue.rings().descriptorAt(0x10_0000, 0x10_1000, 16, 4, 0);
                queue.rings().rawDescriptor(63, 0x10_0000, 16, 4, 0);
                offer(queue);
            }
        };

        abstract void break_(DriverQueue queue);

        static void offer(DriverQueue queue) {
            queue.rings().rawAvail(queue.rings().availIndex() & 63, 63);
            queue.rings().availIndex(queue.rings().availIndex() + 1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void aBrokenRingIsReportedOnceAndWorksAfterAReset(Breakage breakage) throws IOException {
        works();
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 64, 64);
        canvas.show(0);
        breakage.break_(control.driver());
        control.kick();
        assertThat(control.awaitError(Deadline.USUAL)).as("the error descriptor").isTrue();
        // Whatever happens to it now, it stays as it is and nothing more is said.
        control.kick();
        frontEnd.setVringKick(CONTROL, control.kickFd());
        frontEnd.setVringEnable(CONTROL, false);
        frontEnd.setVringEnable(CONTROL, true);
        gpu.replaceDisplay().close();
        gpu.display().await(Update.class, 1);
        gpu.driver().cursor(GpuCommands.moveCursor(0, 1, 1));
        gpu.backEnd().onLoop(() -> 0);
        assertThat(gpu.backEnd().log().count("until the device is reset")).isEqualTo(1);
        assertThat(control.awaitError(Duration.ZERO)).as("signalled once").isFalse();
        gpu.reset();
        gpu.resume();
        works();
        assertThat(gpu.backEnd().log().complaints()).hasSize(1);
    }

    @Test
    void interruptsAndKicksAreSuppressedAsAsked() throws IOException {
        for (Profile profile : List.of(Profile.qemu10(), Profile.qemu10().withoutForced(VhostUserBits.F_EVENT_IDX))) {
            try (AttachedGpu other = AttachedGpu.start(profile)) {
                FrontEndQueue queue = other.session().queue(CONTROL);
                queue.driver().interruptsOff();
                other.driver().control().polling(true);
                other.driver().getDisplayInfo().outputs();
                // The used entry is seen before the first interrupt of a life, which always comes.
                other.backEnd().onLoop(queue::interrupted);
                List<GpuDriver.Pending> sent = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    sent.add(other.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES));
                }
                // None is taken meanwhile: that would move the wish not to be interrupted under the device's eyes.
                int last = (queue.driver().lastUsed() + sent.size()) & 0xffff;
                Deadline.in(Deadline.USUAL).require(() -> queue.driver().rings().usedIndex() == last, "20 answers");
                other.backEnd().onLoop(() -> 0);
                assertThat(queue.interrupted()).isFalse();
                sent.forEach(pending -> other.driver().await(pending).outputs());
                queue.driver().interruptEvery(1);
                other.driver().control().polling(false);
                other.driver().getDisplayInfo().outputs();
            }
        }
    }
}
