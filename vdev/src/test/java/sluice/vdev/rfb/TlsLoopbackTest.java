package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

import javax.net.ssl.SSLException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.device.InputSeats;
import sluice.vdev.fixture.Baseline;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.TlsFiles;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.io.AccessToken;
import sluice.vdev.io.TlsCertificate;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** Viewers in TLS by VeNCrypt: who is let in, what they see, and what is said of those who break off, or do not know it. */
@Timeout(120)
class TlsLoopbackTest {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 480;
    private static final String TOKEN = "0123456789-abcdef";
    private static final RfbLimits PATIENT = new RfbLimits(4, Duration.ofMinutes(1), Duration.ofMinutes(1),
            Duration.ofMinutes(1), Duration.ofMillis(300));
    private static final RfbLimits HASTY = new RfbLimits(4, Duration.ofMillis(500), Duration.ofMillis(500),
            Duration.ofMillis(800), Duration.ofMillis(100));

    @TempDir
    private static Path folder;
    private static TlsFiles files;
    private static RfbSecurity open;

    private GpuBackEnd backEnd;
    private AttachedGpu gpu;
    private RfbServer server;
    private Canvas canvas;
    private int[] pixels;

    @BeforeAll
    static void certify() throws IOException {
        files = TlsFiles.make(folder, "-keyalg", "EC");
        open = RfbSecurity.NONE.withTls(TlsCertificate.of(files.certificate(), files.key()));
    }

    @BeforeEach
    void start() throws IOException {
        backEnd = GpuBackEnd.viewed(GpuOptions.defaults().withBlobs());
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.USUAL);
        canvas = gpu.canvas(1, GpuWire.FORMAT_B8G8R8X8, WIDTH, HEIGHT);
        pixels = canvas.drawNoise(1);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        server = listen(open, PATIENT);
    }

    /** The same with other rules. */
    private void restart(RfbSecurity security, RfbLimits limits) throws IOException {
        server.close();
        server = listen(security, limits);
    }

    private RfbServer listen(RfbSecurity security, RfbLimits limits) throws IOException {
        return RfbServer.open("gpu", backEnd.viewedDisplay(), 1,
                ViewedGpu.ANY_PORT, security, limits,
                viewer -> new InputSeats().open(InputSeats.DEFAULT, viewer));
    }

    @AfterEach
    void end() {
        server.close();
        gpu.close();
        backEnd.close();
    }

    private TlsViewer connect() throws IOException {
        return new TlsViewer(server.addresses().getFirst());
    }

    private TlsViewer encrypted(int type) throws IOException {
        TlsViewer viewer = connect();
        assertThat(viewer.subTypes()).contains(type);
        assertThat(viewer.choose(type)).isOne();
        viewer.encrypt(files.trust());
        return viewer;
    }

    private void requirePicture(TlsViewer viewer) throws IOException {
        try (VncClient client = viewer.viewer()) {
            client.setEncodings(VncClient.ZRLE);
            client.await(pixels);
            client.setEncodings(VncClient.RAW);
            client.request(false);
            client.receive();
            assertThat(client.pixels).isEqualTo(pixels);
        }
    }

    /** One line says why a viewer was disconnected, and another gets in. */
    private void requireSaid(String why) throws IOException {
        Deadline.in(Deadline.USUAL).require(() -> backEnd.log().count(why) == 1, why);
        assertThat(backEnd.log().complaints()).hasSize(1);
        TlsViewer next = encrypted(SecurityType.X509_NONE);
        assertThat(next.in.readInt()).isZero();
        requirePicture(next);
        assertThat(backEnd.log().complaints()).hasSize(1);
    }

    @Test
    void aViewerSeesEveryPixel() throws IOException {
        TlsViewer viewer = encrypted(SecurityType.X509_NONE);
        assertThat(viewer.in.readInt()).isZero();
        requirePicture(viewer);
    }

    @Test
    void aPasswordAndATokenLetIn() throws IOException {
        Path password = Files.writeString(folder.resolve("password"), "s3cret!\n");
        Path token = Files.writeString(folder.resolve("token"), TOKEN + "\n");
        restart(open.withPassword(password).withToken(AccessToken.of(token)), PATIENT);
        try (TlsViewer viewer = connect()) {
            assertThat(viewer.subTypes()).containsExactly(SecurityType.X509_PLAIN, SecurityType.X509_VNC);
        }
        TlsViewer knowsPassword = encrypted(SecurityType.X509_VNC);
        assertThat(knowsPassword.vnc("s3cret!")).isZero();
        requirePicture(knowsPassword);
        TlsViewer knowsToken = encrypted(SecurityType.X509_PLAIN);
        assertThat(knowsToken.plain("anybody", TOKEN)).isZero();
        requirePicture(knowsToken);
        try (TlsViewer viewer = encrypted(SecurityType.X509_VNC)) {
            assertThat(viewer.vnc("s3cret?")).isOne();
            assertThat(viewer.reason()).isEqualTo("wrong password");
        }
        for (String wrong : new String[]{ "", "0123456789-abcdeF", TOKEN + "0" }) {
            try (TlsViewer viewer = encrypted(SecurityType.X509_PLAIN)) {
                long began = System.nanoTime();
                assertThat(viewer.plain("", wrong)).isOne();
                assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThanOrEqualTo(PATIENT.refusal());
                assertThat(viewer.reason()).isEqualTo("wrong token");
            }
        }
    }

    @Test
    void aTokenNeedsTls() throws IOException {
        AccessToken token = AccessToken.of(Files.writeString(folder.resolve("alone"), TOKEN));
        assertThatThrownBy(() -> RfbSecurity.NONE.withToken(token)).hasMessageContaining("needs TLS");
    }

    @Test
    void anonymousTlsIsNotOffered() throws IOException {
        try (TlsViewer viewer = connect()) {
            assertThat(viewer.subTypes()).containsExactly(SecurityType.X509_NONE);
            assertThat(viewer.choose(257)).isZero();
            assertThat(viewer.in.read()).isEqualTo(-1);
        }
        requireSaid("sub-type 257 of VeNCrypt is none of [260]");
    }

    @Test
    void anotherVersionOfVeNCryptIsRefused() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.out.write(viewer.securityType());
            viewer.in.readShort();
            viewer.out.writeShort(1);
            assertThat(viewer.in.read()).isEqualTo(255);
            assertThat(viewer.in.read()).isEqualTo(-1);
        }
        requireSaid("VeNCrypt 0.1 is not spoken; 0.2 is");
    }

    @Test
    void aViewerWithoutTlsIsTold() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.out.write("RFB 003.003\n".getBytes(StandardCharsets.US_ASCII));
            viewer.in.readNBytes(12);
            assertThat(viewer.in.readInt()).isZero();
            assertThat(viewer.reason()).contains("needs TLS");
            assertThat(viewer.in.read()).isEqualTo(-1);
        }
        requireSaid("this screen needs TLS");
    }

    @Test
    void aViewerThatInsistsOnAPasswordAloneIsRefused() throws IOException {
        try (TlsViewer viewer = connect()) {
            assertThat(viewer.securityType()).isEqualTo(19);
            viewer.out.write(2);
            assertThat(viewer.in.read()).isEqualTo(-1);
        }
        requireSaid("security type 2 was not offered; 19 was");
    }

    @Test
    void aViewerThatLeavesAtTheSightOfVeNCryptIsExplained() throws IOException {
        try (TlsViewer viewer = connect()) {
            assertThat(viewer.securityType()).isEqualTo(19);
        }
        requireSaid("it may not know VeNCrypt");
    }

    @Test
    void aHandshakeThatIsCutIsSaid() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            assertThat(viewer.choose(SecurityType.X509_NONE)).isOne();
            viewer.out.write(new byte[]{ 22, 3, 1, 1, 0, 1 });
        }
        requireSaid("is disconnected: TLS: ");
    }

    @Test
    void aHandshakeOfOtherBytesIsSaid() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            assertThat(viewer.choose(SecurityType.X509_NONE)).isOne();
            viewer.out.write("RFB 003.008, in the clear\n".getBytes(StandardCharsets.US_ASCII));
            while (viewer.in.read() >= 0)
                Thread.onSpinWait(); // an alert, and the end
        }
        requireSaid("is disconnected: TLS: ");
    }

    @Test
    void anOldTlsIsRefused() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            assertThat(viewer.choose(SecurityType.X509_NONE)).isOne();
            assertThatThrownBy(() -> viewer.encrypt(files.trust(), "TLSv1.2")).isInstanceOf(SSLException.class);
        }
        requireSaid("TLSv1.2");
    }

    /** Otherwise what somebody in the middle has put there would count as the viewer's. */
    @Test
    void bytesBeforeTlsEndTheConnection() throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            viewer.out.write(new byte[]{ 0, 0, 1, 4, 1 });
            while (viewer.in.read() >= 0)
                Thread.onSpinWait();
        }
        requireSaid("it goes on before TLS was agreed on");
    }

    @Test
    void oneThatNeverSpeaksIsEnded() throws IOException {
        restart(open, HASTY);
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            assertThat(viewer.choose(SecurityType.X509_NONE)).isOne();
            while (viewer.in.read() >= 0)
                Thread.onSpinWait();
        }
        requireSaid("did not end its handshake within 500 ms");
    }

    @Test
    void aLongTokenIsNotRead() throws IOException {
        Path token = Files.writeString(folder.resolve("known"), TOKEN);
        restart(open.withToken(AccessToken.of(token)), PATIENT);
        try (TlsViewer viewer = encrypted(SecurityType.X509_PLAIN)) {
            viewer.out.writeInt(4);
            viewer.out.writeInt(Integer.MAX_VALUE);
            assertThat(viewer.in.read()).isEqualTo(-1);
        }
        Deadline.in(Deadline.USUAL).require(() -> backEnd.log().count("the limit is 128") == 1, "the sentence");
    }

    /** One that asks and never reads is ended, though its farewell cannot be sent. */
    @Test
    void aViewerThatDoesNotReadIsEnded() throws IOException {
        restart(open, HASTY);
        try (TlsViewer viewer = encrypted(SecurityType.X509_NONE)) {
            assertThat(viewer.in.readInt()).isZero();
            VncClient client = viewer.viewer();
            for (int i = 0; i < 50; i++) client.request(false);
            Deadline.in(Deadline.USUAL).require(() -> {
                try {
                    client.request(false);
                    canvas.flush();
                } catch (IOException e) {
                    // The server has closed the connection.
                    return backEnd.log().count("did not read what it asked for within 800 ms") == 1;
                }
                return false;
            }, "the end of a viewer that does not read");
        }
        requireSaid("did not read what it asked for within 800 ms");
    }

    private void visit(int turn) throws IOException {
        try (TlsViewer viewer = connect()) {
            viewer.subTypes();
            if (turn % 4 == 0) return;
            viewer.choose(SecurityType.X509_NONE);
            if (turn % 4 == 1) return;
            viewer.encrypt(files.trust());
            if (turn % 4 == 2) return;
            viewer.in.readInt();
            requirePicture(viewer);
        }
    }

    @Test
    void nothingIsLeftOfManyConnections() throws IOException {
        for (int turn = 0; turn < 16; turn++) visitAgain(turn);
        Baseline before = Baseline.take();
        for (int turn = 0; turn < 60; turn++) visitAgain(turn);
        before.requireRestored();
    }

    /** The server may notice the end of those before a moment later, and have no room until then. */
    private void visitAgain(int turn) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                visit(turn);
                return true;
            } catch (IOException e) {
                return false;
            }
        }, "a visit");
    }
}
