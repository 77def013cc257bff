package sluice.vdev.console;

import java.lang.management.ManagementFactory;
import java.util.Locale;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.QueryStringDecoder;

import sluice.vdev.device.Screens;
import sluice.vdev.profile.Capture;
import sluice.vdev.report.BuffersJson;
import sluice.vdev.report.StateJson;

/** What the page reads while it is open. */
final class PageData {
    /** Rows of a table of buffers in one answer. */
    static final int MOST_ROWS = 500;
    private static final int MOST_QUERY = 4;

    private final Watched watched;

    PageData(Watched watched) {
        this.watched = watched;
    }

    /**
     * {@link StateJson} and {@code screens}, {@code buffers} (their number), {@code captures}, {@code upMillis}, {@code console}.
     *
     * @param refused requests and connections that were refused
     * @param peers present connections
     */
    String state(long refused, int peers) {
        JsonObject state = StateJson.of(watched.devices(), watched.core());
        JsonArray screens = new JsonArray();
        for (Screens.Screen screen : watched.screens().all()) {
            JsonObject one = new JsonObject();
            one.addProperty("device", screen.device());
            one.addProperty("number", screen.number());
            screens.add(one);
        }
        state.add("screens", screens);
        state.addProperty("buffers", watched.core().buffers().size());
        state.add("captures", captures());
        state.addProperty("upMillis", ManagementFactory.getRuntimeMXBean().getUptime());
        JsonObject console = new JsonObject();
        console.addProperty("connections", peers);
        console.addProperty("refused", refused);
        state.add("console", console);
        return StateJson.text(state);
    }

    private JsonArray captures() {
        JsonArray all = new JsonArray();
        for (Capture capture : watched.captures()) {
            Capture.Status status = capture.status();
            JsonObject one = new JsonObject();
            one.addProperty("name", capture.kind().label());
            one.addProperty("phase", status.phase().name().toLowerCase(Locale.ROOT));
            one.addProperty("path", status.path());
            one.addProperty("problem", status.problem());
            JsonArray files = new JsonArray();
            for (Capture.Written file : status.files()) files.add(file.name());
            one.add("files", files);
            all.add(one);
        }
        return all;
    }

    /** A part of the table of buffers: {@code ?from=N&count=N}. */
    FullHttpResponse buffers(String uri) {
        QueryStringDecoder query = new QueryStringDecoder(uri, java.nio.charset.StandardCharsets.UTF_8, true,
                MOST_QUERY);
        try {
            int from = number(query, "from", 0, Integer.MAX_VALUE);
            int count = number(query, "count", 100, MOST_ROWS);
            return Answers.json(StateJson.text(BuffersJson.of(watched.core(), from, count)));
        } catch (IllegalArgumentException e) {
            return Answers.text(HttpResponseStatus.BAD_REQUEST, String.valueOf(e.getMessage()));
        }
    }

    private static int number(QueryStringDecoder query, String name, int usual, int most) {
        if (!query.parameters().containsKey(name)) return usual;
        String text = query.parameters().get(name).getFirst();
        if (!text.matches("[0-9]{1,10}") || Long.parseLong(text) > most)
            throw new IllegalArgumentException("%s: give a number from 0 to %d".formatted(name, most));
        return Integer.parseInt(text);
    }
}
