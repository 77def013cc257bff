package sluice.vdev.rfb;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.vdev.device.InputSeats;
import sluice.vdev.device.InputSink;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.loopback.GpuBackEnd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** How viewers get in, and what they type. */
@Timeout(60)
class HandshakeLoopbackTest {
    private static final RfbLimits LIMITS = new RfbLimits(4, Duration.ofMinutes(1), Duration.ofMinutes(1),
            Duration.ofMinutes(1), Duration.ofMillis(300));

    @TempDir
    private Path folder;
    private GpuBackEnd backEnd;
    private final BlockingQueue<String> typed = new LinkedBlockingQueue<>();

    /** Writes down what it gets. */
    private record Listing(BlockingQueue<String> typed) implements InputSink {
        @Override
        public void key(int code, boolean pressed) {
            typed.add((pressed ? "+" : "-") + code);
        }

        @Override
        public void pointer(int x, int y, int width, int height, int buttons) {
            typed.add("%d,%d of %d×%d: %d".formatted(x, y, width, height, buttons));
        }

        @Override
        public void scroll(int up, int right) {
            typed.add("scroll %d %d".formatted(up, right));
        }

        @Override
        public void touch(int slot, int x, int y, int width, int height, boolean touching) {
            typed.add("touch");
        }

        @Override
        public void close() {
            typed.add("closed");
        }
    }

    @BeforeEach
    void start() {
        backEnd = GpuBackEnd.viewed(GpuOptions.defaults());
    }

    @AfterEach
    void end() {
        backEnd.close();
    }

    private RfbServer serve(RfbAddress address, RfbSecurity password) throws IOException {
        return serve(address, password, 1);
    }

    private RfbServer serve(RfbAddress address, RfbSecurity password, int heads) throws IOException {
        InputSeats seats = new InputSeats();
        seats.join(InputSeats.DEFAULT, source -> new Listing(typed));
        return RfbServer.open("gpu", backEnd.viewedDisplay(), heads, address, password, LIMITS,
                viewer -> seats.open(InputSeats.DEFAULT, viewer));
    }

    private RfbSecurity password(String content) throws IOException {
        return RfbSecurity.NONE.withPassword(Files.writeString(folder.resolve("password"), content));
    }

    @ParameterizedTest
    @ValueSource(ints = { 3, 7, 8 })
    void everyVersionGetsIn(int minor) throws IOException {
        try (RfbServer server = serve(ViewedGpu.ANY_PORT, RfbSecurity.NONE);
                VncClient client = VncClient.connect(server.addresses().getFirst())) {
            assertThat(client.shakeHands(minor, null)).isZero();
            client.request(false);
            client.receive();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = { 3, 7, 8 })
    void thePasswordLetsIn(int minor) throws IOException {
        try (RfbServer server = serve(ViewedGpu.ANY_PORT, password("s3cret!\n"))) {
            try (VncClient client = VncClient.connect(server.addresses().getFirst())) {
                assertThat(client.shakeHands(minor, "s3cret!")).isZero();
                client.request(false);
                client.receive();
            }
            try (VncClient client = VncClient.connect(server.addresses().getFirst())) {
                long began = System.nanoTime();
                assertThat(client.shakeHands(minor, "s3cret?")).isEqualTo(1);
                assertThat(Duration.ofNanos(System.nanoTime() - began)).isGreaterThanOrEqualTo(LIMITS.refusal());
                if (minor == 8)
                    assertThat(client.in.readNBytes(client.in.readInt())).asString()
                            .isEqualTo("wrong password");
                client.awaitEnd();
            }
            assertThat(backEnd.log().count("wrong password")).isEqualTo(1);
        }
    }

    /** As with the DES of the specification: keys with their bits reversed; a vector of another implementation. */
    @Test
    void theKeyIsThePasswordWithItsBitsReversed() {
        byte[] challenge = new byte[16];
        for (int i = 0; i < challenge.length; i++) challenge[i] = (byte) i;
        byte[] response = java.util.HexFormat.of().parseHex(VECTOR);
        assertThat(new VncAuthentication("password".getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                .accepts(challenge, response)).isTrue();
    }

    private static final String VECTOR = "b866924125c8eebb9debc1db61c538e2";

    @ParameterizedTest
    @ValueSource(strings = { "", "\n", "ninebytes", "12345678\n\n" })
    void aPasswordHasOneToEightBytes(String content) {
        assertThatThrownBy(() -> password(content)).isInstanceOf(IOException.class)
                .hasMessageContaining("RFB allows 1 to 8");
    }

    @Test
    void aPasswordFileThatIsMissingIsNamed() {
        assertThatThrownBy(() -> RfbSecurity.NONE.withPassword(folder.resolve("none"))).isInstanceOf(IOException.class)
                .hasMessageContaining("none cannot be read");
    }

    @Test
    void aUnixSocketIsItsOwnersAndGoes() throws IOException {
        Path path = folder.resolve("screen");
        try (RfbServer server = serve(new RfbAddress.Unix(path), RfbSecurity.NONE, 2)) {
            assertThat(server.addresses()).extracting(RfbAddress::toString).containsExactly("unix:" + path,
                    "unix:" + path + ".1");
            for (RfbAddress address : server.addresses()) {
                Path file = ((RfbAddress.Unix) address).path();
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
                try (VncClient client = VncClient.open(address)) {
                    client.setEncodings(VncClient.ZRLE);
                    client.request(false);
                    client.receive();
                }
            }
            assertThatThrownBy(() -> serve(new RfbAddress.Unix(path), RfbSecurity.NONE)).isInstanceOf(IOException.class)
                    .hasMessageContaining("another process listens there");
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (RfbServer server = serve(ViewedGpu.ANY_PORT, RfbSecurity.NONE)) {
            RfbAddress taken = server.addresses().getFirst();
            assertThatThrownBy(() -> serve(taken, RfbSecurity.NONE)).isInstanceOf(IOException.class)
                    .hasMessageContaining("viewers cannot be served at " + taken).hasMessageContaining("in use");
        }
    }

    @Test
    void addressesAreParsed() throws IOException {
        assertThat(RfbAddress.parse("127.0.0.1:5900", 2).ofHead(1)).hasToString("127.0.0.1:5901");
        assertThat(RfbAddress.parse("[::1]:5900", 1)).hasToString("[0:0:0:0:0:0:0:1]:5900");
        assertThat(List.of(RfbAddress.parse("127.0.0.1:0", 1).isLocal(), RfbAddress.parse("[::1]:0", 1).isLocal(),
                RfbAddress.parse("unix:a", 1).isLocal(), RfbAddress.parse("0.0.0.0:0", 1).isLocal(),
                RfbAddress.parse("192.0.2.1:0", 1).isLocal())).containsExactly(true, true, true, false, false);
        for (String wrong : List.of("", "5900", ":5900", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65535", "unix:",
                "127.0.0.1:-1")) {
            assertThatThrownBy(() -> RfbAddress.parse(wrong, 2)).as(wrong).isInstanceOf(IOException.class)
                    .hasMessageContaining("give unix:PATH or ADDRESS:PORT");
        }
    }

    @Test
    void keysAndPointerReachTheSeat() throws IOException, InterruptedException {
        try (RfbServer server = serve(ViewedGpu.ANY_PORT, RfbSecurity.NONE)) {
            try (VncClient client = VncClient.open(server.addresses().getFirst())) {
                press(client, 'a');
                press(client, '!');
                client.key(0xffe1, true);
                press(client, 'A');
                client.key(0xffe1, false);
                press(client, 0xff0d);
                press(client, 0xffbe);
                press(client, 0x20ac); // KEY of no US keyboard
                client.pointer(1, 10, 20);
                client.pointer(0b1101, 0xffff, 20);
                client.pointer(0b10000000, 0, 0);
            }
            assertThat(all(17)).containsExactly("+30", "-30", "+42", "+2", "-2", "-42", "+42", "+30", "-30", "-42",
                    "+28", "-28", "+59", "-59", "10,20 of 1280×800: 1", "65535,20 of 1280×800: 5", "scroll 1 0");
            assertThat(all(2)).containsExactly("0,0 of 1280×800: 8", "closed");
        }
    }

    private static void press(VncClient client, int keysym) throws IOException {
        client.key(keysym, true);
        client.key(keysym, false);
    }

    private List<String> all(int count) throws InterruptedException {
        List<String> all = new java.util.ArrayList<>();
        for (int i = 0; i < count; i++) {
            String next = typed.poll(5, TimeUnit.SECONDS);
            assertThat(next).as("after " + all).isNotNull();
            all.add(next);
        }
        return all;
    }
}
