package sluice.vdev.console;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import sluice.vdev.fixture.Deadline;

/**
 * Debian's Chromium without a window, driven by the DevTools protocol (chromedevtools.github.io/devtools-protocol). What a page
 * complains about is kept: exceptions, warnings and errors of its console, and those of the browser about it, such as what a
 * Content-Security-Policy forbids.
 */
final class Chromium implements AutoCloseable {
    static final Path PROGRAM = Path.of("/usr/bin/chromium");
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int MODIFIER_ALT = 1;
    private static final int MODIFIER_CTRL = 2;

    private final Process process;
    private final HttpClient http = HttpClient.newHttpClient();
    private final WebSocket socket;
    private final AtomicInteger calls = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonObject>> answers = new ConcurrentHashMap<>();
    private final Map<String, List<String>> complaints = new ConcurrentHashMap<>();

    private Chromium(Process process, URI address) throws IOException {
        this.process = process;
        StringBuilder text = new StringBuilder();
        socket = get(http.newWebSocketBuilder().buildAsync(address, new WebSocket.Listener() {
            @Override
            public CompletionStage<?> onText(WebSocket from, CharSequence part, boolean last) {
                text.append(part);
                if (last) {
                    received(JsonParser.parseString(text.toString()).getAsJsonObject());
                    text.setLength(0);
                }
                from.request(1);
                return CompletableFuture.completedStage(null);
            }
        }));
    }

    /** Starts one with a profile of its own in {@code folder}. */
    static Chromium start(Path folder) throws IOException {
        Path profile = Files.createDirectories(folder.resolve("profile"));
        // As root there is no sandbox; the page is our own, and so is the host that it is loaded from.
        ProcessBuilder command = new ProcessBuilder(PROGRAM.toString(), "--headless=new", "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-extensions",
                "--disable-component-update", "--hide-scrollbars", "--remote-debugging-port=0",
                "--user-data-dir=" + profile, "about:blank").redirectErrorStream(true)
                .redirectOutput(folder.resolve("chromium.log").toFile());
        command.environment().put("TMPDIR", folder.toString()); // it leaves files when it is killed
        Process process = command.start();
        boolean done = false;
        try {
            Path port = profile.resolve("DevToolsActivePort");
            Deadline.in(LIMIT).require(() -> lines(port).size() == 2 || !process.isAlive(), "Chromium's port");
            if (!process.isAlive())
                throw new IOException("Chromium ended: " + Files.readString(folder.resolve("chromium.log")));
            List<String> lines = lines(port);
            Chromium made = new Chromium(process,
                    URI.create("ws://127.0.0.1:" + lines.getFirst() + lines.getLast()));
            done = true;
            return made;
        } finally {
            if (!done) process.destroyForcibly();
        }
    }

    private static List<String> lines(Path file) {
        try {
            return Files.exists(file) ? Files.readAllLines(file) : List.of();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static <T> T get(CompletableFuture<T> future) throws IOException {
        try {
            return future.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException("Chromium does not answer: " + e, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(e);
        }
    }

    private void received(JsonObject message) {
        if (message.has("id")) {
            CompletableFuture<JsonObject> waiting = answers.remove(message.get("id").getAsInt());
            if (waiting != null) waiting.complete(message);
            return;
        }
        JsonObject parameters = message.getAsJsonObject("params");
        String complaint = switch (message.get("method").getAsString()) {
            case "Runtime.exceptionThrown" -> parameters.getAsJsonObject("exceptionDetails").toString();
            case "Runtime.consoleAPICalled" -> List.of("error", "warning", "assert")
                    .contains(parameters.get("type").getAsString()) ? parameters.get("args").toString() : "";
            case "Log.entryAdded" -> List.of("error", "warning")
                    .contains(parameters.getAsJsonObject("entry").get("level").getAsString())
                            ? parameters.get("entry").toString()
                            : "";
            default -> "";
        };
        if (!complaint.isEmpty())
            complaints.computeIfAbsent(message.get("sessionId").getAsString(), _ -> new CopyOnWriteArrayList<>())
                    .add(complaint);
    }

    private JsonObject call(String session, String method, JsonObject parameters) throws IOException {
        int id = calls.incrementAndGet();
        JsonObject call = new JsonObject();
        call.addProperty("id", id);
        call.addProperty("method", method);
        call.add("params", parameters);
        if (!session.isEmpty()) call.addProperty("sessionId", session);
        CompletableFuture<JsonObject> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(call.toString(), true);
        JsonObject message = get(answer);
        if (message.has("error")) throw new IOException(method + ": " + message.get("error"));
        return message.getAsJsonObject("result");
    }

    private static JsonObject json(String text) {
        return JsonParser.parseString(text).getAsJsonObject();
    }

    /** What its pages download goes into this folder. */
    void downloadInto(Path folder) throws IOException {
        JsonObject parameters = json("{behavior: 'allow'}");
        parameters.addProperty("downloadPath", folder.toString());
        call("", "Browser.setDownloadBehavior", parameters);
    }

    /** Opens a page in a tab of its own. */
    Page open(String url, String scheme, int width, int height) throws IOException {
        String target = call("", "Target.createTarget", json("{url: 'about:blank'}")).get("targetId").getAsString();
        String session = call("", "Target.attachToTarget", json("{targetId: '" + target + "', flatten: true}"))
                .get("sessionId").getAsString();
        Page page = new Page(target, session);
        for (String domain : List.of("Page", "Runtime", "Log")) page.call(domain + ".enable", "{}");
        page.call("Emulation.setDeviceMetricsOverride",
                "{width: %d, height: %d, deviceScaleFactor: 1, mobile: false}".formatted(width, height));
        page.call("Emulation.setEmulatedMedia",
                "{features: [{name: 'prefers-color-scheme', value: '%s'}]}".formatted(scheme));
        page.call("Page.navigate", "{url: '" + url + "'}");
        return page;
    }

    /** A tab with a page. */
    final class Page implements AutoCloseable {
        private final String target;
        private final String session;

        Page(String target, String session) {
            this.target = target;
            this.session = session;
        }

        private JsonObject call(String method, String parameters) throws IOException {
            return Chromium.this.call(session, method, json(parameters));
        }

        /** The value of an expression, which may be a promise. */
        JsonElement value(String expression) throws IOException {
            JsonObject parameters = new JsonObject();
            parameters.addProperty("expression", expression);
            parameters.addProperty("awaitPromise", true);
            parameters.addProperty("returnByValue", true);
            JsonObject result = Chromium.this.call(session, "Runtime.evaluate", parameters);
            if (result.has("exceptionDetails")) throw new IOException(expression + ": " + result);
            JsonElement value = result.getAsJsonObject("result").get("value");
            return value == null ? com.google.gson.JsonNull.INSTANCE : value;
        }

        String text(String expression) throws IOException {
            return value("String(" + expression + ")").getAsString();
        }

        /** Waits until an expression is true, in the page. */
        void await(String expression) throws IOException {
            boolean isTrue = value("""
                    new Promise(done => {
                        const end = performance.now() + %d;
                        const look = () => {
                            let is = false;
                            try { is = !!(%s); } catch (early) { is = false; }
                            if (is || performance.now() > end) done(is); else setTimeout(look, 20);
                        };
                        look();
                    })""".formatted(LIMIT.toMillis() / 2, expression)).getAsBoolean();
            if (!isTrue) {
                screenshot("failed");
                throw new AssertionError(
                        expression + " did not come true; the page says " + text("document.body.innerText")
                                + "\ncomplaints: " + complaints());
            }
        }

        /** A key goes down and up, as if typed. */
        void key(String key, String code, int windowsCode, int modifiers) throws IOException {
            String text = key.length() == 1 && modifiers == 0 ? key : key.equals("Enter") ? "\\r" : "";
            for (String type : List.of(text.isEmpty() ? "rawKeyDown" : "keyDown", "keyUp"))
                call("Input.dispatchKeyEvent",
                        "{type: '%s', key: '%s', code: '%s', windowsVirtualKeyCode: %d, modifiers: %d, text: '%s'}"
                                .formatted(type, key, code, windowsCode, modifiers, text));
        }

        void enter() throws IOException {
            key("Enter", "Enter", 13, 0);
        }

        void tab() throws IOException {
            key("Tab", "Tab", 9, 0);
        }

        void ctrlAltEscape() throws IOException {
            key("Escape", "Escape", 27, MODIFIER_CTRL | MODIFIER_ALT);
        }

        void click(int x, int y) throws IOException {
            for (String type : List.of("mousePressed", "mouseReleased"))
                call("Input.dispatchMouseEvent",
                        "{type: '%s', x: %d, y: %d, button: 'left', clickCount: 1}".formatted(type, x, y));
        }

        /** What a screen reader has of the page: each node that is not ignored, as {@code role: name}. */
        List<String> accessible() throws IOException {
            call("Accessibility.enable", "{}");
            List<String> all = new ArrayList<>();
            for (JsonElement element : call("Accessibility.getFullAXTree", "{}").getAsJsonArray("nodes")) {
                JsonObject node = element.getAsJsonObject();
                if (node.get("ignored").getAsBoolean() || !node.has("role")) continue;
                JsonObject name = node.getAsJsonObject("name");
                all.add(node.getAsJsonObject("role").get("value").getAsString() + ": "
                        + (name == null || !name.has("value") ? "" : name.get("value").getAsString()));
            }
            call("Accessibility.disable", "{}");
            return all;
        }

        /** Writes all of the page as a picture into {@code target}, for people to look at. */
        void screenshot(String name) throws IOException {
            String data = call("Page.captureScreenshot", "{format: 'png', captureBeyondViewport: true}").get("data")
                    .getAsString();
            Path made = Files.createDirectories(Path.of("target/console")).resolve(name + ".png");
            Files.write(made, Base64.getDecoder().decode(data));
        }

        List<String> complaints() {
            return complaints.getOrDefault(session, List.of());
        }

        @Override
        public void close() throws IOException {
            Chromium.this.call("", "Target.closeTarget", json("{targetId: '" + target + "'}"));
        }
    }

    @Override
    public void close() throws IOException {
        socket.abort();
        http.close();
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        get(process.onExit());
    }
}
