package sluice.guest.bench;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/**
 * A button of a console's page, which starts and stops something.
 *
 * @param page the page's address, with the token
 * @param name {@code recording} or {@code profile}
 */
record PageButton(HttpClient http, URI page, String name) {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final long LOOK_MILLIS = 20;

    /** Starts it, and waits until it runs. */
    void start() throws IOException, InterruptedException {
        press("start", "running");
    }

    /** Stops it, and waits until all is written. */
    void stop() throws IOException, InterruptedException {
        press("stop", "off");
    }

    private void press(String what, String phase) throws IOException, InterruptedException {
        HttpResponse<String> answer = http.send(
                request(name + "/" + what).POST(HttpRequest.BodyPublishers.noBody()).build(),
                HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() != 202) throw new IOException(name + "/" + what + ": " + answer.body().strip());
        long end = System.nanoTime() + LIMIT.toNanos();
        JsonObject status = status();
        while (!status.get("phase").getAsString().equals(phase)) {
            String problem = status.get("problem").getAsString();
            if (!problem.isEmpty()) throw new IOException("the " + name + " failed: " + problem);
            if (System.nanoTime() - end > 0)
                throw new IOException("the %s was not %s within %s".formatted(name, phase, LIMIT));
            TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
            status = status();
        }
        String problem = status.get("problem").getAsString();
        if (!problem.isEmpty()) throw new IOException("the " + name + " failed: " + problem);
    }

    private JsonObject status() throws IOException, InterruptedException {
        JsonObject state = JsonParser.parseString(
                http.send(request("state.json").build(), HttpResponse.BodyHandlers.ofString()).body())
                .getAsJsonObject();
        for (JsonElement one : state.getAsJsonArray("captures"))
            if (one.getAsJsonObject().get("name").getAsString().equals(name)) return one.getAsJsonObject();
        throw new IOException("the page has no button for a " + name);
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(page.resolve(path)).timeout(LIMIT);
    }
}
