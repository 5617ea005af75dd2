import { describeStory } from "../../../support/suite/story.ts";

describeStory("embedded");
