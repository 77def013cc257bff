package sluice.vdev.display;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.Memfd;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.DisplayMessage;
import sluice.vdev.fixture.DisplayMessage.GetDisplayInfo;
import sluice.vdev.fixture.DisplayMessage.GetEdid;
import sluice.vdev.fixture.DisplayMessage.GetProtocolFeatures;
import sluice.vdev.fixture.DisplayMessage.Scanout;
import sluice.vdev.fixture.DisplayMessage.SetProtocolFeatures;
import sluice.vdev.fixture.DisplayMessage.Update;
import sluice.vdev.fixture.DisplayPeer;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GpuCommands;
import sluice.vdev.fixture.GpuDriver;
import sluice.vdev.fixture.GpuRect;
import sluice.vdev.fixture.GpuResponse;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.WireMessage;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;

/** Display sockets that come and go, and displays that do not behave. */
class DisplayLoopbackTest {
    private static final int W = 300;
    private static final int H = 200;
    private static final int REPLY = 4;
    private static final int GET_PROTOCOL_FEATURES = 1;
    private static final int GET_DISPLAY_INFO = 3;
    private static final int GET_EDID = 11;

    private AttachedGpu gpu;

    /** What the guest is like. */
    GuestVariant guest() {
        return GuestVariant.USUAL;
    }

    @BeforeEach
    void start() throws IOException {
        gpu = AttachedGpu.start(guest());
    }

    @AfterEach
    void end() {
        gpu.close();
    }

    private GpuResponse info() throws IOException {
        return gpu.driver().getDisplayInfo();
    }

    private void answersForItself() throws IOException {
        List<GpuResponse.Output> outputs = info().outputs();
        assertThat(outputs.getFirst()).isEqualTo(
                new GpuResponse.Output(GpuRect.of(GpuBackEnd.OWN_WIDTH, GpuBackEnd.OWN_HEIGHT), true));
        assertThat(outputs.subList(1, 16)).noneMatch(GpuResponse.Output::enabled);
        assertThat(EdidMode.of(gpu.driver().getEdid(0).edid()))
                .isEqualTo(new EdidMode(GpuBackEnd.OWN_WIDTH, GpuBackEnd.OWN_HEIGHT));
    }

    @Test
    void theDisplayIsAskedAndAnswers() throws IOException {
        assertThat(info().outputs().getFirst())
                .isEqualTo(new GpuResponse.Output(GpuRect.of(AttachedGpu.WIDTH, AttachedGpu.HEIGHT), true));
        gpu.display().resize(3, 800, 600);
        assertThat(info().outputs().get(3)).isEqualTo(new GpuResponse.Output(GpuRect.of(800, 600), true));
        assertThat(gpu.driver().getEdid(3).edid()).hasSize(128);
        assertThat(gpu.driver().getEdid(15).edid()).hasSize(128);
        assertThat(gpu.display().messages(GetEdid.class)).containsExactly(new GetEdid(3), new GetEdid(15));
        assertThat(gpu.display().messages(SetProtocolFeatures.class)).containsExactly(new SetProtocolFeatures(1));
    }

    @Test
    void everyNewSocketLearnsWhatIsShownBeforeItGetsPixels() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, W, H);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        GpuRect part = new GpuRect(10, 20, 100, 50);
        canvas.show(2);
        gpu.driver().setScanout(5, 1, part).ok();
        canvas.flush();
        for (int round = 0; round < 5; round++) {
            if (round % 2 == 0) {
                gpu.pause();
                gpu.resume();
            } else {
                try (DisplayPeer old = gpu.replaceDisplay()) {
                    assertThat(old.hungUpWithin(Deadline.USUAL)).isTrue();
                }
            }
            gpu.display().await(Update.class, 2);
            assertThat(gpu.display().picture(2).pixels()).isEqualTo(pixels);
            assertThat(gpu.display().picture(5).pixels()).isEqualTo(canvas.crop(pixels, part));
            List<DisplayMessage> said = gpu.display().messages();
            assertThat(said.getFirst()).isEqualTo(new GetProtocolFeatures());
            assertThat(gpu.display().messages(Scanout.class)).containsExactly(new Scanout(2, W, H),
                    new Scanout(5, 100, 50));
        }
        gpu.driver().setScanout(5, 0, GpuRect.of(0, 0)).ok();
        gpu.pause();
        gpu.resume();
        gpu.display().await(Update.class, 1);
        assertThat(gpu.display().messages(Scanout.class)).containsExactly(new Scanout(2, W, H));
    }

    @Test
    void aSocketThatClosesInTheMiddleOfAFrameCompletesTheFlush() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 1024, 1024);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        gpu.display().pause();
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(Duration.ofMillis(50))).isFalse();
        gpu.closeDisplay();
        gpu.driver().await(flush).ok();
        canvas.flush();
        answersForItself();
        DisplayPeer fresh = DisplayPeer.open(AttachedGpu.OUTPUTS, 640, 480);
        gpu.pause();
        gpu.resume(fresh);
        fresh.await(Update.class, 1);
        assertThat(fresh.picture(0).pixels()).isEqualTo(pixels);
        assertThat(gpu.complaints()).isEmpty();
    }

    @Test
    void aNewSocketInTheMiddleOfAFrameCompletesTheFlush() throws IOException {
        Canvas canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, 1024, 1024);
        int[] pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        gpu.display().await(Scanout.class, 1);
        gpu.display().pause();
        GpuDriver.Pending flush = gpu.driver().begin(GpuCommands.flush(1, canvas.all()), GpuWire.HDR_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(Duration.ofMillis(50))).isFalse();
        try (DisplayPeer old = gpu.replaceDisplay()) {
            gpu.driver().await(flush).ok();
            gpu.display().await(Update.class, 1);
            assertThat(gpu.display().picture(0).pixels()).isEqualTo(pixels);
            old.resume();
            assertThat(old.hungUpWithin(Deadline.USUAL)).isTrue();
        }
        assertThat(gpu.complaints()).isEmpty();
    }

    @Test
    void manyMessagesForADisplayThatGoesAwayMakeNoNoise() throws IOException {
        gpu.display().pause();
        var cursor = gpu.driver().cursor().polling(true);
        for (int i = 0; i < 500; i++) {
            cursor.await(cursor.send(GpuCommands.moveCursor(0, i, i), 0));
        }
        gpu.closeDisplay();
        answersForItself();
        assertThat(gpu.complaints()).isEmpty();
    }

    /** A display made by hand: the test says what it answers. */
    private final class HandMade implements AutoCloseable {
        private final FrontEnd wire;

        HandMade(long features) throws IOException {
            UnixSocket.Pair pair = UnixSocket.pair();
            wire = new FrontEnd(pair.first());
            try (Fd theirs = pair.second()) {
                gpu.display().allowHangUp();
                gpu.session().frontEnd().gpuSetSocket(theirs);
            }
            expect(GET_PROTOCOL_FEATURES);
            answer(GET_PROTOCOL_FEATURES, REPLY, u64(features));
        }

        void expect(int number) throws IOException {
            WireMessage message = wire.receiveRaw(Deadline.USUAL).orElseThrow();
            assertThat(message.request()).isEqualTo(number);
            message.closeFds();
        }

        void answer(int number, int flags, ByteBuffer body, Fd... fds) throws IOException {
            wire.send(number, flags, body, fds);
        }

        boolean isDropped() throws IOException {
            return wire.closedWithin(Deadline.USUAL);
        }

        @Override
        public void close() {
            wire.close();
        }
    }

    private static ByteBuffer u64(long value) {
        return ByteBuffer.allocate(8).order(ByteOrder.nativeOrder()).putLong(0, value);
    }

    @Test
    void aDisplayWithoutEdidIsNotAskedForOne() throws IOException {
        try (HandMade display = new HandMade(2)) {
            display.expect(2);
            GpuDriver.Pending edid = gpu.driver().begin(GpuCommands.getEdid(0), GpuWire.EDID_BYTES);
            display.expect(GET_DISPLAY_INFO);
            ByteBuffer modes = ByteBuffer.allocate(408).order(ByteOrder.LITTLE_ENDIAN).putInt(32, 11).putInt(36, 22)
                    .putInt(40, 1);
            display.answer(GET_DISPLAY_INFO, REPLY, modes);
            assertThat(EdidMode.of(gpu.driver().await(edid).edid())).isEqualTo(new EdidMode(11, 22));
            GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
            display.expect(GET_DISPLAY_INFO);
            display.answer(GET_DISPLAY_INFO, REPLY, modes);
            assertThat(gpu.driver().await(info).outputs().getFirst())
                    .isEqualTo(new GpuResponse.Output(GpuRect.of(11, 22), true));
        }
    }

    @ParameterizedTest
    @CsvSource({ // number, flags, bytes
            "3, 4, 407", "3, 4, 409", "3, 4, 0", "3, 0, 408", "11, 4, 1056", "3, 4, 4097", "1, 4, 8", "1000, 4, 8" })
    void anAnswerThatIsNoneEndsTheSocketAndTheDeviceGoesOn(int number, int flags, int bytes) throws IOException {
        try (HandMade display = new HandMade(1)) {
            display.expect(2);
            GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
            display.expect(GET_DISPLAY_INFO);
            display.answer(number, flags, ByteBuffer.allocate(bytes));
            assertThat(gpu.driver().await(info).outputs()).hasSize(16);
            assertThat(display.isDropped()).isTrue();
            answersForItself();
            assertThat(gpu.backEnd().log().count("the display socket is closed")).isEqualTo(1);
        }
        gpu.pause();
        gpu.resume();
        info().outputs();
        assertThat(gpu.display().messages(GetDisplayInfo.class)).hasSize(1);
    }

    @Test
    void anUnaskedAnswerEndsTheSocket() throws IOException {
        try (HandMade display = new HandMade(1)) {
            display.expect(2);
            display.answer(GET_EDID, REPLY, ByteBuffer.allocate(1056));
            assertThat(display.isDropped()).isTrue();
            answersForItself();
        }
    }

    @Test
    void descriptorsFromADisplayAreClosed() throws IOException {
        try (HandMade display = new HandMade(1); Fd event = EventFd.create()) {
            display.expect(2);
            gpu.backEnd().onLoop(() -> 0);
            int before = Fd.openCount();
            for (int i = 0; i < 10; i++) {
                GpuDriver.Pending info = gpu.driver().begin(GpuCommands.getDisplayInfo(), GpuWire.DISPLAY_INFO_BYTES);
                display.expect(GET_DISPLAY_INFO);
                display.answer(GET_DISPLAY_INFO, REPLY, ByteBuffer.allocate(408), event, event, event);
                gpu.driver().await(info).outputs();
            }
            Deadline.requireOwned(before);
        }
    }

    @Test
    void aDisplayThatNeverAnswersTheFirstQuestionIsReplaced() throws IOException {
        gpu.pause();
        DisplayPeer silent = DisplayPeer.open(1, 640, 480);
        silent.mute();
        gpu.resume(silent);
        GpuDriver.Pending edid = gpu.driver().begin(GpuCommands.getEdid(0), GpuWire.EDID_BYTES);
        assertThat(gpu.session().queue(0).awaitInterrupt(Duration.ofMillis(50))).isFalse();
        gpu.replaceDisplay();
        // Ours, for the size the new display gives, or for our own if that was asked for before it was there.
        assertThat(EdidMode.of(gpu.driver().await(edid).edid())).isIn(
                new EdidMode(AttachedGpu.WIDTH, AttachedGpu.HEIGHT),
                new EdidMode(GpuBackEnd.OWN_WIDTH, GpuBackEnd.OWN_HEIGHT));
        assertThat(gpu.driver().getEdid(0).edid()).hasSize(128);
        silent.close();
    }

    /** QEMU answers nothing at all to a scan-out it does not have. */
    @Test
    void aQuestionThatIsSkippedIsAnsweredByTheOneBehindIt() throws IOException {
        try (HandMade display = new HandMade(1)) {
            display.expect(2);
            GpuDriver.Pending edid = gpu.driver().begin(GpuCommands.getEdid(7), GpuWire.EDID_BYTES);
            display.expect(GET_EDID);
            display.expect(GET_PROTOCOL_FEATURES);
            display.answer(GET_PROTOCOL_FEATURES, REPLY, u64(1));
            display.expect(GET_DISPLAY_INFO);
            display.answer(GET_DISPLAY_INFO, REPLY, ByteBuffer.allocate(408));
            assertThat(gpu.driver().await(edid).edid()).as("an output that is none has no EDID").isEmpty();
            GpuDriver.Pending second = gpu.driver().begin(GpuCommands.getEdid(0), GpuWire.EDID_BYTES);
            display.expect(GET_EDID);
            display.expect(GET_PROTOCOL_FEATURES);
            ByteBuffer blob = ByteBuffer.allocate(1056).order(ByteOrder.LITTLE_ENDIAN).putInt(24, 3)
                    .put(32, (byte) 42);
            display.answer(GET_EDID, REPLY, blob);
            assertThat(gpu.driver().await(second).edid()).containsExactly(42, 0, 0);
            display.answer(GET_PROTOCOL_FEATURES, REPLY, u64(1));
        }
    }

    @Test
    void whatIsNoSocketIsRefusedAsDisplay() throws IOException {
        FrontEnd frontEnd = gpu.session().frontEnd();
        try (Fd file = Memfd.create("no-socket", 0)) {
            assertThat(frontEnd.request(33, ByteBuffer.allocate(0), file).value()).isNotZero();
            assertThat(frontEnd.request(21, ByteBuffer.allocate(0), file).value()).isNotZero();
        }
        assertThat(info().outputs().getFirst().rect()).isEqualTo(GpuRect.of(AttachedGpu.WIDTH, AttachedGpu.HEIGHT));
    }
}
