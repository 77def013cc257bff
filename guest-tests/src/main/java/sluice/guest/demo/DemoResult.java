package sluice.guest.demo;

import java.nio.file.Path;

import com.google.gson.JsonObject;

/** What a demo has found. */
interface DemoResult {
    /** Where the JSON goes, in the folder of results. */
    String FILE = "report.json";
    /** Where the text goes. */
    String SUMMARY = "summary.txt";

    /** Empty if all is right, otherwise a sentence that says what is wrong. */
    String verdict();

    JsonObject toJson();

    /** The report as text, one screen. */
    String summary(Path folder);
}
