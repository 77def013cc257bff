package sluice.vdev.console;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.trace.SwitchedSink;
import sluice.vdev.device.InputSeats;
import sluice.vdev.device.InputSink;
import sluice.vdev.device.Report;
import sluice.vdev.device.Screens;
import sluice.vdev.gpu.GpuOptions;
import sluice.vdev.io.AccessToken;
import sluice.vdev.loopback.AttachedGpu;
import sluice.vdev.loopback.GpuBackEnd;
import sluice.vdev.loopback.GuestVariant;
import sluice.vdev.profile.Capture;
import sluice.vdev.report.ReportedDevice;
import sluice.vdev.rfb.RfbLimits;
import sluice.vdev.rfb.RfbServer;
import sluice.vdev.rfb.VncClient;

/** A guest whose GPU is shown by a console on any free port. */
final class ShownGpu implements AutoCloseable, Watched {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final SwitchedSink switched = new SwitchedSink();
    private final GpuBackEnd backEnd = GpuBackEnd.viewed(GpuOptions.defaults().withBlobs(),
            DmaCore.open(DmaCoreOptions.counting().withTrace(switched)));
    private final InputSeats seats = new InputSeats();
    private final AttachedGpu gpu;
    private final RfbServer viewers;
    private final Screens screens = new Screens();
    private final Report report = new Report();
    private final List<Capture> captures;
    /** What the console says there is; that of the GPU unless a test says something else. */
    volatile List<ReportedDevice> devices = List.of(new ReportedDevice("gpu", report, null));
    final AtomicLong counter = new AtomicLong(3);
    final AtomicInteger shows = new AtomicInteger();
    final ConsoleServer console;
    final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE)
            .build();

    private ShownGpu(ConsoleLimits limits, Path folder) throws IOException {
        captures = Arrays.stream(Capture.Kind.values())
                .map(kind -> new Capture(kind, folder, switched, backEnd.core())).toList();
        gpu = AttachedGpu.startWithBlobs(backEnd, GuestVariant.USUAL);
        viewers = RfbServer.open("gpu", backEnd.viewedDisplay(), 2, RfbLimits.DEFAULT,
                viewer -> seats.open(InputSeats.DEFAULT, viewer));
        screens.add("gpu", 2, viewers::serve);
        report.counter("frames", "frames", "Shown \"so far\".", counter::get);
        console = ConsoleServer.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), AccessToken.random(),
                limits, this);
    }

    static ShownGpu start() throws IOException {
        return start(ConsoleLimits.DEFAULT);
    }

    static ShownGpu start(ConsoleLimits limits) throws IOException {
        return new ShownGpu(limits, Path.of("nowhere"));
    }

    /** One whose page writes into a folder. */
    static ShownGpu into(Path folder) throws IOException {
        return into(folder, ConsoleLimits.DEFAULT);
    }

    static ShownGpu into(Path folder, ConsoleLimits limits) throws IOException {
        return new ShownGpu(limits, folder);
    }

    /** What its viewers type goes to a sink, too. */
    void listen(InputSink sink) {
        seats.join(InputSeats.DEFAULT, _ -> sink);
    }

    AttachedGpu gpu() {
        return gpu;
    }

    /** The path of the page, with the token. */
    String root() {
        return URI.create(console.url()).getPath();
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(console.url()).resolve(path)).timeout(PATIENCE);
    }

    HttpResponse<String> post(String path) throws IOException, InterruptedException {
        return http.send(request(path).POST(HttpRequest.BodyPublishers.noBody()).build(),
                HttpResponse.BodyHandlers.ofString());
    }

    HttpResponse<String> get(String path) throws IOException, InterruptedException {
        return http.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
    }

    VncClient view(int screen) throws IOException {
        WebSocketPipe pipe = socket(screen);
        return VncClient.over(pipe, pipe.input(), pipe.output());
    }

    WebSocketPipe socket(int screen) throws IOException {
        return WebSocketPipe.open(console.address(), root() + "screens/gpu/" + screen);
    }

    @Override
    public List<ReportedDevice> devices() {
        return devices;
    }

    @Override
    public Screens screens() {
        return screens;
    }

    @Override
    public DmaCore core() {
        return backEnd.core();
    }

    @Override
    public List<Capture> captures() {
        return captures;
    }

    @Override
    public void show() {
        shows.incrementAndGet();
    }

    @Override
    public void close() {
        http.close();
        console.close();
        for (Capture capture : captures) {
            try {
                capture.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        gpu.close();
        viewers.close();
        backEnd.close();
    }
}
