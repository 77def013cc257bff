package sluice.vdev.console;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.MemoryPool;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.ownership.Direction;
import sluice.vdev.device.InputSink;
import sluice.vdev.device.Report;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.loopback.Canvas;
import sluice.vdev.report.ReportedDevice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The page in Chromium, as its users see it and a screen reader tells it; pictures are left in {@code target/console}. */
@Timeout(240)
class PageLoopbackTest {
    private static final int WIDTH = 1280;
    private static final int HEIGHT = 900;
    private static final long POOL_BYTES = 64 << 20;
    private static final int KEY_A = 30;
    private static @Nullable Chromium chromium;

    @TempDir
    private Path folder = Path.of("");
    private @Nullable ShownGpu opened;
    private Chromium.@Nullable Page shownPage;

    @BeforeAll
    static void browser(@TempDir Path folder) throws IOException {
        if (Files.isExecutable(Chromium.PROGRAM)) chromium = Chromium.start(folder);
    }

    @AfterAll
    static void endBrowser() throws IOException {
        if (chromium != null) chromium.close();
    }

    @BeforeEach
    void start() throws IOException {
        assumeTrue(chromium != null, "Chromium is not installed");
        opened = ShownGpu.into(folder.resolve("out"));
    }

    private ShownGpu shown() {
        return java.util.Objects.requireNonNull(opened, "started");
    }

    private Chromium.Page page() {
        return java.util.Objects.requireNonNull(shownPage, "opened");
    }

    private Chromium.Page open(String scheme) throws IOException {
        Chromium.Page page = java.util.Objects.requireNonNull(chromium).open(shown().console.url(), scheme, WIDTH,
                HEIGHT);
        shownPage = page;
        page.await("document.getElementById('summary').textContent.includes('up ')");
        return page;
    }

    /** Nothing that the page does is forbidden by its policy, or fails. */
    @AfterEach
    void end() throws IOException {
        if (opened == null) return;
        try (ShownGpu _ = shown()) {
            if (shownPage == null) return;
            assertThat(page().complaints()).isEmpty();
            page().close();
        }
    }

    /** A picture that can be recognised: four colours, and noise in the middle. */
    private Canvas picture() throws IOException {
        Canvas canvas = shown().gpu().canvas(1, GpuWire.FORMAT_B8G8R8X8, 640, 480);
        int[] pixels = Canvas.noise(640 * 480, 5);
        for (int i = 0; i < pixels.length; i++) {
            int x = i % 640;
            int y = i / 640;
            if (x >= 160 && x < 480 && y >= 120 && y < 360) continue;
            pixels[i] = y < 240 ? x < 320 ? 0xc04040 : 0x40c040 : x < 320 ? 0x4060c0 : 0xc0c040;
        }
        canvas.draw(pixels);
        canvas.transfer();
        canvas.show(0);
        canvas.flush();
        expected = hash(pixels);
        return canvas;
    }

    private int expected;

    private static int hash(int[] pixels) {
        int hash = 0;
        for (int pixel : pixels) hash = 31 * hash + pixel;
        return hash;
    }

    /** The same of what the page shows; 0 while there is no screen of that size. */
    private static final String SHOWN_HASH = """
            (() => {
                const canvas = document.querySelector('.glass canvas');
                if (!canvas || canvas.width !== 640 || canvas.height !== 480) return 0;
                const copy = Object.assign(document.createElement('canvas'), { width: 640, height: 480 })
                    .getContext('2d', { willReadFrequently: true });
                copy.drawImage(canvas, 0, 0);
                const bytes = copy.getImageData(0, 0, 640, 480).data;
                let hash = 0;
                for (let i = 0; i < bytes.length; i += 4)
                    hash = (Math.imul(31, hash) + (bytes[i] << 16 | bytes[i + 1] << 8 | bytes[i + 2])) | 0;
                return hash;
            })()""";

    private record Typed(int code, boolean pressed) {}

    @Test
    void theScreenIsShownInEveryPixelAndWhatIsTypedArrives() throws Exception {
        BlockingQueue<Typed> typed = new LinkedBlockingQueue<>();
        BlockingQueue<List<Integer>> pointed = new LinkedBlockingQueue<>();
        shown().listen(new InputSink() {
            @Override
            public void key(int code, boolean pressed) {
                typed.add(new Typed(code, pressed));
            }

            @Override
            public void pointer(int x, int y, int width, int height, int buttons) {
                pointed.add(List.of(x, y, width, height, buttons));
            }

            @Override
            public void scroll(int up, int right) {
                throw new AssertionError("nothing scrolls");
            }

            @Override
            public void touch(int slot, int x, int y, int width, int height, boolean touching) {
                throw new AssertionError("nothing touches");
            }

            @Override
            public void close() {
                // nothing is held
            }
        });
        picture();
        Chromium.Page page = open("light");
        page.await(SHOWN_HASH + " === " + expected);
        page.screenshot("screen");
        // By the keyboard alone: to the button, into the screen, and back.
        page.value(
                "[...document.querySelectorAll('.screen button')].find(b => b.textContent === 'Use keyboard').focus()");
        page.enter();
        page.await("document.activeElement.tagName === 'CANVAS'");
        page.key("a", "KeyA", 65, 0);
        assertThat(await(typed)).isEqualTo(new Typed(KEY_A, true));
        assertThat(await(typed)).isEqualTo(new Typed(KEY_A, false));
        page.ctrlAltEscape();
        page.await("document.activeElement.textContent === 'Use keyboard'");
        // The middle of the glass is the middle of the screen.
        String box = "document.querySelector('.glass canvas').getBoundingClientRect()";
        int x = page.value("Math.round(%s.x + %s.width / 2)".formatted(box, box)).getAsInt();
        int y = page.value("Math.round(%s.y + %s.height / 2)".formatted(box, box)).getAsInt();
        page.click(x, y);
        List<Integer> at = await(pointed);
        while (at.getLast() == 0)
            at = await(pointed);
        assertThat(at.getLast()).isEqualTo(InputSink.LEFT);
        assertThat(at.get(0)).isBetween(315, 325);
        assertThat(at.get(1)).isBetween(235, 245);
        assertThat(at.subList(2, 4)).containsExactly(640, 480);
    }

    private static <T> T await(BlockingQueue<T> queue) throws InterruptedException {
        T next = queue.poll(30, TimeUnit.SECONDS);
        return java.util.Objects.requireNonNull(next, "nothing arrived");
    }

    @Test
    void plotsMove() throws Exception {
        Chromium.Page page = open("light");
        page.await("document.querySelector('#plots .plot canvas')");
        String drawn = "document.querySelector('#plots .plot canvas').toDataURL()";
        for (int i = 0; i < 3; i++) {
            page.value("window.before = " + drawn);
            long more = (i + 1) * 1000L;
            shown().counter.addAndGet(more);
            page.await("window.before !== " + drawn);
            page.await("document.getElementById('devices').textContent.includes('%s')"
                    .formatted(String.format(java.util.Locale.ENGLISH, "%,d", shown().counter.get())));
        }
        assertThat(page.text("document.querySelector('#plots .plot').getAttribute('aria-label')"))
                .matches("gpu frames: [0-9.]+ frames/s");
        page.screenshot("plots");
    }

    @Test
    void findingsAppearAsTheyAre() throws Exception {
        Chromium.Page page = open("light");
        assertThat(page.text("document.getElementById('finding-rows').rows.length")).isEqualTo("0");
        shown().core().findings().add(Rule.D17_OVERLAPPING_WRITES, "gpu", "<img src=x onerror=alert(1)>", 0, 64,
                "one device at a time may write a cache line");
        page.await("document.getElementById('finding-rows').rows.length === 1");
        assertThat(page.text("document.getElementById('finding-rows').innerText")).contains("D17_OVERLAPPING_WRITES",
                "gpu", "<img src=x onerror=alert(1)>", "one device at a time");
        assertThat(page.value("document.querySelector('#findings img') === null").getAsBoolean()).isTrue();
        page.screenshot("findings");
    }

    @Test
    void tenThousandBuffersAreListedInParts() throws Exception {
        try (MemoryPool pool = MemoryPool.open(FileMappings.ofProcess(), POOL_BYTES, 1, false)) {
            List<DmaBuf> all = new ArrayList<>();
            for (int i = 0; i < 10_000; i++) all.add(shown().core().export("buffer " + i, 4096, pool));
            var attachment = all.get(1).attach(shown().core().function("camera", DeviceDmaParams.scatterGather()),
                    Stream.COHERENT);
            var mapping = attachment.map(Direction.FROM_DEVICE);
            Chromium.Page page = open("light");
            page.await("document.getElementById('buffer-range').textContent === '1 to 50 of 10000'");
            assertThat(page.text("document.getElementById('buffer-rows').rows[1].innerText")).contains("buffer 1",
                    "camera (write)", "0x0–0x1000 camera (writes)");
            page.value("document.getElementById('buffers-on').focus()");
            page.enter();
            page.await("document.getElementById('buffer-range').textContent === '51 to 100 of 10000'");
            assertThat(page.text("document.getElementById('buffer-rows').rows[0].cells[1].textContent"))
                    .isEqualTo("buffer 50");
            page.screenshot("buffers");
            mapping.unmap();
            attachment.detach();
            all.forEach(DmaBuf::release);
            page.await("document.getElementById('buffer-range').textContent.startsWith('none of 0')");
        }
    }

    /** Sixteen have sixteen tables; the plots are of the first, so that the page stays readable. */
    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 16 })
    void anyNumberOfDevicesIsShown(int count) throws Exception {
        List<ReportedDevice> devices = new ArrayList<>();
        AtomicLong value = new AtomicLong();
        for (int i = 0; i < count; i++) {
            Report report = new Report();
            report.counter("frames", "frames", "Shown so far.", value::incrementAndGet);
            report.gauge("depth", "requests", "Waiting now.", () -> 7);
            devices.add(new ReportedDevice("device-" + i, report, null));
        }
        shown().devices = devices;
        Chromium.Page page = open("light");
        page.await("document.getElementById('summary').textContent.startsWith('%d device%s, ')"
                .formatted(count, count == 1 ? "" : "s"));
        page.await("document.querySelectorAll('#devices details').length === " + count);
        page.await("document.querySelectorAll('#plots .plot').length === " + Math.min(count, 4));
        assertThat(page.value("document.documentElement.scrollWidth <= " + WIDTH).getAsBoolean())
                .as("nothing is wider than the window").isTrue();
        page.screenshot("devices-" + count);
    }

    /** Text is legible on both: at least 4.5 to 1 (WCAG 2.2, 1.4.3). */
    @ParameterizedTest
    @ValueSource(strings = { "dark", "light" })
    void itIsDarkOrLightAsTheSystemIs(String scheme) throws Exception {
        picture();
        Chromium.Page page = open(scheme);
        page.await("document.querySelector('#plots .plot canvas')");
        page.await(SHOWN_HASH + " === " + expected);
        String contrast = """
                (() => {
                    const draw = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
                    const light = colour => {
                        draw.fillStyle = colour;
                        draw.fillRect(0, 0, 1, 1);
                        const [r, g, b] = [...draw.getImageData(0, 0, 1, 1).data].map(v => v / 255)
                            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
                    };
                    draw.canvas.style.cssText = 'color: CanvasText; background: Canvas';
                    document.body.append(draw.canvas);
                    const style = getComputedStyle(draw.canvas);
                    const both = [light(style.color), light(style.backgroundColor)];
                    draw.canvas.remove();
                    return [both[1], (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)];
                })()""";
        var values = page.value(contrast).getAsJsonArray();
        assertThat(values.get(0).getAsDouble() < 0.2).as("dark").isEqualTo(scheme.equals("dark"));
        assertThat(values.get(1).getAsDouble()).isGreaterThan(4.5);
        page.screenshot(scheme);
    }

    /** With Tab and Enter alone; what goes wrong is told where the button is. */
    @Test
    void aRecordingStartsAndStopsByTheKeyboard() throws Exception {
        Chromium.Page page = open("light");
        page.value("document.getElementById('show').focus()");
        page.tab();
        page.await("document.activeElement.id === 'recording'");
        page.enter();
        page.await("document.getElementById('recording').textContent === 'Stop recording'");
        Path file = folder.resolve("out/recording-1.rec");
        page.await("document.getElementById('recording-status').textContent === 'into %s'".formatted(file));
        page.screenshot("recording");
        page.enter();
        page.await("document.getElementById('recording-status').textContent === 'written: %s'".formatted(file));
        page.tab();
        page.await("document.activeElement.getAttribute('aria-label') === 'Download recording-1.rec'");
        page.tab();
        page.await("document.activeElement.id === 'profile'");
        Files.move(folder.resolve("out"), folder.resolve("moved"));
        Files.writeString(folder.resolve("out"), "in the way");
        page.enter();
        page.await("document.getElementById('profile-status').textContent.includes('is not a folder')");
        assertThat(page.text("document.activeElement.id")).as("the focus stays").isEqualTo("profile");
        assertThat(page.text("document.getElementById('profile').textContent")).isEqualTo("Start profile");
    }

    /** Both kinds, by their links and the keyboard; a link goes when the next begins. */
    @Test
    void whatWasWrittenCanBeDownloaded() throws Exception {
        Path got = Files.createDirectory(folder.resolve("got"));
        java.util.Objects.requireNonNull(chromium).downloadInto(got);
        Canvas canvas = picture();
        Chromium.Page page = open("light");
        for (String kind : List.of("recording", "profile")) {
            page.await("document.getElementById('%s').textContent === 'Start %s'".formatted(kind, kind));
            page.value("document.getElementById('%s').focus()".formatted(kind));
            page.enter();
            page.await("document.getElementById('%s').textContent === 'Stop %s'".formatted(kind, kind));
            canvas.transfer();
            canvas.flush();
            page.enter();
            page.await("document.querySelectorAll('#%s-files a').length === %d".formatted(kind,
                    kind.equals("recording") ? 1 : 4));
        }
        page.screenshot("downloads");
        assertThat(page.accessible()).contains("link: Download recording-1.rec", "link: Download report.html",
                "link: Download trace.pftrace", "link: Download profile.jfr", "link: Download flight.rec");
        download(page, "#recording-files a", got, "recording-1.rec", folder.resolve("out/recording-1.rec"));
        List<String> names = List.of("report.html", "trace.pftrace", "profile.jfr", "flight.rec");
        for (int i = 0; i < names.size(); i++)
            download(page, "#profile-files a:nth-of-type(%d)".formatted(i + 1), got, "profile-1-" + names.get(i),
                    folder.resolve("out/profile-1").resolve(names.get(i)));
        page.value("document.getElementById('recording').focus()");
        page.enter();
        page.await("document.getElementById('recording').textContent === 'Stop recording'");
        page.await("document.querySelectorAll('#recording-files a').length === 0");
    }

    private static void download(Chromium.Page page, String link, Path into, String name, Path original)
            throws Exception {
        page.value("document.querySelector('%s').focus()".formatted(link));
        page.enter();
        // Chromium makes an empty file of this name before it has the contents.
        Path downloaded = into.resolve(name);
        Deadline.in(Duration.ofSeconds(30)).require(
                () -> downloaded.toFile().length() == original.toFile().length(), name);
        assertThat(downloaded).hasSameBinaryContentAs(original);
    }

    @Test
    void aScreenReaderHasANameForEverythingThatCanBeUsed() throws Exception {
        picture();
        Chromium.Page page = open("light");
        page.await("document.querySelector('#plots .plot canvas')");
        List<String> all = page.accessible();
        assertThat(all).contains("button: Start recording", "button: Start profile",
                "button: Write pictures and reports", "button: Use keyboard", "group: gpu, screen 0",
                "checkbox: plot gpu frames", "region: Table of buffers", "region: Table of findings",
                "link: Skip to the screens", "heading: Findings and faults");
        assertThat(all).noneMatch(node -> node.matches("(button|link|checkbox|region|image|textbox): *"));
    }
}
