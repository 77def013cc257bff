package sluice.vdev.console;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

/** The files of the page, which are in jars: our own, noVNC's modules, and uPlot's. */
final class Assets {
    private static final String OWN = "/sluice/vdev/console/";
    private static final String UPLOT = "/META-INF/resources/webjars/uplot/1.6.30/dist/";
    /** Where each file of ours, and of a library that has one, is. */
    private static final Map<String, String> FILES = Map.of("", OWN + "console.html", "console.css",
            OWN + "console.css", "console.js", OWN + "console.js", "plots.js", OWN + "plots.js", "screens.js",
            OWN + "screens.js", "buffers.js", OWN + "buffers.js", "captures.js", OWN + "captures.js", "icon.svg",
            OWN + "icon.svg", "uplot.js",
            UPLOT + "uPlot.esm.js", "uplot.css", UPLOT + "uPlot.min.css");
    /** No dot but the last: nothing outside of the folder has such a path. */
    private static final Pattern MODULE = Pattern.compile("novnc/[a-z0-9_/-]{1,60}\\.js");
    private static final Map<String, String> TYPES = Map.of("html", "text/html; charset=utf-8", "css",
            "text/css; charset=utf-8", "js", "text/javascript; charset=utf-8", "svg", "image/svg+xml");

    /**
     * A file.
     *
     * @param type the value of Content-Type
     */
    record Asset(String type, byte[] bytes) {}

    /** At most all files there are. */
    private final Map<String, Asset> read = new ConcurrentHashMap<>();

    /** The file at a path below the token, or null if there is none. */
    @Nullable
    Asset find(String path) {
        Asset known = read.get(path);
        if (known != null) return known;
        String resource = FILES.get(path);
        if (resource == null && MODULE.matcher(path).matches()) resource = OWN + path;
        if (resource == null) return null;
        try (InputStream in = Assets.class.getResourceAsStream(resource)) {
            if (in == null) return null;
            Asset asset = new Asset(String.valueOf(TYPES.get(resource.substring(resource.lastIndexOf('.') + 1))),
                    in.readAllBytes());
            read.put(path, asset);
            return asset;
        } catch (IOException e) {
            throw new UncheckedIOException("a file of the page cannot be read", e);
        }
    }
}
