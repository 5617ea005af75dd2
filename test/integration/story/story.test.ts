import { describeStory } from "../../support/story-suite.ts";

describeStory("embedded");
