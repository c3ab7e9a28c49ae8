import Testing

/// Small made-up files with the headers and layouts of public data sets, and what each column is.
///
/// Cells are separated by `|`; the file is written as TSV, or as CSV when `csv` says so. Roles are numbers of columns.
struct PublicLayout: CustomTestStringConvertible {
    let name: String
    let rows: [String]
    let text: Int
    let pair: Int?
    let label: Int?
    let csv: Bool
    let numbers: Bool

    init(
        _ name: String, _ rows: [String], text: Int, pair: Int? = nil, label: Int?, csv: Bool = false,
        numbers: Bool = false
    ) {
        (self.name, self.rows, self.text, self.pair, self.label) = (name, rows, text, pair, label)
        (self.csv, self.numbers) = (csv, numbers)
    }

    var testDescription: String { name }

    var contents: String {
        rows.map { row in
            let cells = row.split(separator: "|", omittingEmptySubsequences: false)
            guard csv else { return cells.joined(separator: "\t") }
            return cells.map { $0.contains(where: { ",\"".contains($0) }) ? "\"\($0)\"" : String($0) }.joined(
                separator: ",")
        }.joined(separator: "\n") + "\n"
    }

    static let all: [PublicLayout] = [
        .init(
            "SST-2",
            [
                "sentence|label", "hides new secretions from the parents |0", "contains no wit |0",
                "that loves its characters |1",
            ], text: 0, label: 1),
        .init(
            "MRPC",
            [
                "Quality|#1 ID|#2 ID|#1 String|#2 String",
                "1|702876|702977|Amrozi accused his brother .|He accused his brother .",
                "0|210823|210910|Yucaipa owned the chain .|It bought the chain in 1995 .",
            ], text: 3, pair: 4, label: 0),
        .init(
            "QQP",
            [
                "id|qid1|qid2|question1|question2|is_duplicate",
                "133273|213221|213222|How is life in India?|What is life like there?|1",
                "402555|536040|536041|How do I control anger?|How do I control my mind?|0",
            ], text: 3, pair: 4, label: 5),
        .init(
            "QNLI",
            [
                "index|question|sentence|label", "0|When did the war end?|It ended in 1918 .|entailment",
                "1|Who wrote it?|The weather was fine .|not_entailment",
            ], text: 1, pair: 2, label: 3),
        .init(
            "RTE",
            [
                "index|sentence1|sentence2|label",
                "0|No weapons were found .|Weapons were found .|not_entailment",
                "1|A place of sorrow .|A place .|entailment",
            ], text: 1, pair: 2, label: 3),
        .init(
            "CoLA without header",
            [
                "gj04|1||Our friends won't buy this analysis.", "gj04|1||One more pseudo generalization.",
                "gj04|0|*|They drank the pub.", "gj04|1||The car honked its way down the road.",
            ], text: 3, label: 1),
        .init(
            "MNLI",
            [
                "index|promptID|pairID|genre|sentence1_binary_parse|sentence2_binary_parse|sentence1_parse|sentence2_parse|sentence1|sentence2|label1|gold_label",
                "0|31193|31193n|government|( ( Conceptually cream ) . )|( ( Product ) . )|(ROOT (S Conceptually cream))|(ROOT (S Product))|Conceptually cream skimming .|Product and geography .|neutral|neutral",
                "1|101457|101457e|telephone|( you know )|( You lose )|(ROOT (S you know))|(ROOT (S You lose))|you know during the season .|You lose the things .|entailment|entailment",
                "2|134793|134793e|fiction|( One of )|( A member )|(ROOT (S One of))|(ROOT (S A member))|One of our number .|A member of my team .|entailment|entailment",
            ], text: 8, pair: 9, label: 11),
        .init(
            "SNLI",
            [
                "gold_label|sentence1_binary_parse|sentence2_binary_parse|sentence1|sentence2|captionID|pairID|label1|label2",
                "neutral|( A man )|( A person )|A person on a horse jumps .|A person is training .|341.jpg#4|341.jpg#4r1n|neutral|",
                "contradiction|( A man )|( A person )|A person on a horse jumps .|A person is at a diner .|341.jpg#4|341.jpg#4r1c|contradiction|",
                "entailment|( A man )|( A person )|Children smiling .|There are children .|237.jpg#2|237.jpg#2r1e|entailment|",
            ], text: 3, pair: 4, label: 0),
        .init(
            "AG News without header",
            [
                "3|Wall St. Bears Claw Back|Short-sellers, Wall Street's dwindling band, are seeing green again.",
                "3|Carlyle Looks Toward Aerospace|Private investment firm Carlyle Group has placed its bets.",
                "4|Microsoft opens Windows|The company has opened its code to partners.",
            ], text: 1, pair: 2, label: 0, csv: true),
        .init(
            "AG News with header",
            [
                "Class Index|Title|Description",
                "3|Fears for pension after talks|Unions say they are disappointed after talks.",
                "4|The race is on|A team of rocketeers announced its first flight.",
            ], text: 1, pair: 2, label: 0, csv: true),
        .init(
            "AG News of HF",
            [
                "text|label", "Wall St. Bears Claw Back|2", "Oil prices soar to a record|2",
                "Cassini finds a moon|3",
            ], text: 0, label: 1, csv: true),
        .init(
            "DBpedia without header",
            [
                "1|E. D. Abbott Ltd|Abbott of Farnham was a coachbuilding business trading from 1929.",
                "1|Schwan-Stabilo|Schwan-Stabilo is a German maker of pens for writing and cosmetics.",
                "2|Q-workshop|Q-workshop is a Polish company which designs dice and dice accessories.",
            ], text: 1, pair: 2, label: 0, csv: true),
        .init(
            "DBpedia of HF",
            [
                "label|title|content", "0|E. D. Abbott Ltd|Abbott of Farnham was a coachbuilding business.",
                "0|Schwan-Stabilo|A German maker of pens for writing.",
            ], text: 2, label: 0, csv: true),
        .init(
            "Yelp polarity without header",
            [
                "1|Unfortunately, the frustration of being a patient is a repeat.",
                "2|Been going to the doctor for over ten years.",
                "1|I don't know what he was like before he moved here.",
            ], text: 1, label: 0, csv: true),
        .init(
            "IMDB",
            [
                "review|sentiment", "One of the other reviewers, in fact, has mentioned it.|positive",
                "A wonderful little production.|positive", "Basically there's a family with a boy.|negative",
            ], text: 0, label: 1, csv: true),
        .init(
            "Amazon polarity",
            [
                "label|title|content", "1|Stunning even for the non-gamer|This sound track was beautiful!",
                "0|Buyer beware|This is a self-published book.",
            ], text: 2, label: 0, csv: true),
        .init(
            "Amazon multilingual",
            [
                "review_id|product_id|reviewer_id|stars|review_body|review_title|language|product_category",
                "en_0964|product_en_0740|reviewer_en_0342|1|Arrived broken. Two of the legs fell off.|I'll spend twice|en|furniture",
                "en_0690|product_en_0440|reviewer_en_0133|1|The cabinet dents were all the way on top.|Not use able|en|home",
                "en_0311|product_en_0399|reviewer_en_0152|5|I love how easy this is.|Great|en|furniture",
            ], text: 4, label: 3, csv: true),
        .init(
            "tweet_eval",
            [
                "text|label", "QT @user In the original draft of the book|2",
                "Ben Smith (concussion) remains out|1", "Sorry bout the stream last night|0",
            ], text: 0, label: 1),
        .init(
            "Sentiment140 without header",
            [
                "0|1467810369|Mon Apr 06 22:19:45 PDT 2009|NO_QUERY|_TheSpecialOne_|@switchfoot that's a bummer.",
                "0|1467810672|Mon Apr 06 22:19:49 PDT 2009|NO_QUERY|scotthamilton|is upset that he can't update his page",
                "4|1467810917|Mon Apr 06 22:19:53 PDT 2009|NO_QUERY|mattycus|I dived many times for the ball. Managed to save it",
                "4|1467811184|Mon Apr 06 22:19:57 PDT 2009|NO_QUERY|ElleCTF|my whole body feels itchy and like it's on fire",
            ], text: 5, label: 0, csv: true),
        .init(
            "Sentiment140 with header",
            [
                "target|ids|date|flag|user|text",
                "0|1467810369|Mon Apr 06 22:19:45 PDT 2009|NO_QUERY|special|that's a bummer.",
                "4|1467810672|Mon Apr 06 22:19:49 PDT 2009|NO_QUERY|scott|is upset that he can't",
                "0|1467810917|Mon Apr 06 22:19:53 PDT 2009|NO_QUERY|matty|I dived many times",
            ], text: 5, label: 0, csv: true),
        .init(
            "20 newsgroups",
            [
                "|text|target|target_names", "0|I was wondering if anyone could help.|7|rec.autos",
                "1|A fair number of brave souls.|4|comp.sys.mac.hardware",
                "2|Well folks, my mac gave up.|4|comp.sys.mac.hardware",
            ], text: 1, label: 2, csv: true),
        .init(
            "SMS spam of Kaggle",
            [
                "v1|v2|||", "ham|Go until jurong point, crazy..|||", "ham|Ok lar... Joking wif u oni...|||",
                "spam|Free entry in 2 a wkly comp|||",
            ], text: 1, label: 0, csv: true),
        .init(
            "SMS spam of UCI",
            [
                "ham|Go until jurong point, crazy..", "ham|Ok lar... Joking wif u oni...",
                "spam|Free entry in 2 a wkly comp",
            ], text: 1, label: 0),
        .init(
            "STS-B",
            [
                "index|genre|filename|year|old_index|source1|source2|sentence1|sentence2|score",
                "0|main-captions|MSRvid|2012test|0001|none|none|A plane is taking off.|An air plane is taking off.|5.000",
                "1|main-captions|MSRvid|2012test|0004|none|none|A man is playing a flute.|A man plays.|3.800",
                "2|main-captions|MSRvid|2012test|0005|none|none|A man spreads cheese.|A man is spreading it.|3.800",
            ], text: 7, pair: 8, label: 9, numbers: true),
        .init(
            "STS benchmark without header",
            [
                "main-captions|MSRvid|2012test|0001|5.000|A plane is taking off.|An air plane is taking off.",
                "main-captions|MSRvid|2012test|0004|3.800|A man is playing a large flute.|A man is playing a flute.",
                "main-captions|MSRvid|2012test|0005|2.600|A man is spreading shredded cheese.|A man is spreading cheese on a pizza.",
            ], text: 5, pair: 6, label: 4, numbers: true),
        .init(
            "SICK, entailment",
            [
                "pair_ID|sentence_A|sentence_B|relatedness_score|entailment_judgment",
                "1|A group of kids is playing.|A group of boys is playing.|4.5|NEUTRAL",
                "2|A group of children plays.|A group of kids stands.|3.2|NEUTRAL",
                "3|The young boys are playing.|The kids are playing.|4.7|ENTAILMENT",
            ], text: 1, pair: 2, label: 4),
        .init(
            "SICK, relatedness",
            [
                "pair_ID|sentence_A|sentence_B|relatedness_score|entailment_judgment",
                "1|A group of kids is playing.|A group of boys is playing.|4.5|NEUTRAL",
                "2|A group of children plays.|A group of kids stands.|3.2|NEUTRAL",
                "3|The young boys are playing.|The kids are playing.|4.7|ENTAILMENT",
            ], text: 1, pair: 2, label: 3, numbers: true),
        .init(
            "PAWS",
            [
                "id|sentence1|sentence2|label",
                "1|In Paris he met the ambassador .|The ambassador met him .|0",
                "2|The NBA season was the 30th .|The 30th season was it .|1",
                "3|There are also specific discussions .|There are also debates .|0",
            ], text: 1, pair: 2, label: 3),
        .init(
            "Disaster tweets",
            [
                "id|keyword|location|text|target", "1|||Our Deeds are the Reason of this #earthquake|1",
                "4|ablaze|Paris, France|Forest fire near La Ronge|1", "5|ablaze||What a lovely day|0",
            ], text: 3, label: 4, csv: true),
        .init(
            "Fake news",
            [
                "id|title|author|text|label",
                "0|House Dem Aide|Darrell Lucus|House Dem Aide: We Didn't Even See the letter until it was out.|1",
                "1|FLYNN: Hillary|Daniel J. Flynn|Ever get the feeling your life circles the roundabout?|0",
                "2|Why the Truth|Consortium|Why the Truth Might Get You Fired, as it did before.|1",
            ], text: 3, label: 4, csv: true),
        .init(
            "Airline tweets",
            [
                "tweet_id|airline_sentiment|airline_sentiment_confidence|negativereason|airline|name|retweet_count|text|tweet_created|user_timezone",
                "570306133677760513|neutral|1.0||Virgin America|cairdin|0|@VirginAmerica What said.|2015-02-24 11:35:52 -0800|Eastern Time",
                "570301130888122368|positive|0.3486||Virgin America|jnardino|0|@VirginAmerica plus you've added commercials|2015-02-24 11:15:59 -0800|Pacific Time",
                "570301083672813571|negative|0.6837|Bad Flight|Delta|yvonnalynn|0|@Delta I didn't today|2015-02-24 11:15:48 -0800|Central Time",
            ], text: 7, label: 1, csv: true),
        .init(
            "Rotten Tomatoes phrases",
            [
                "PhraseId|SentenceId|Phrase|Sentiment", "1|1|A series of escapades demonstrating the adage|1",
                "2|1|A series of escapades|2", "3|1|A series|2", "4|2|quiet , introspective|3",
            ], text: 2, label: 3),
        .init(
            "Emotion",
            [
                "text|label", "i didnt feel humiliated|0", "i can go from feeling hopeless|0",
                "im grabbing a minute to post|3",
            ], text: 0, label: 1, csv: true),
        .init(
            "BANKING77",
            [
                "text|category", "I am still waiting on my card?|card_arrival",
                "What can I do if my card hasn't arrived?|card_arrival", "How do I link it?|card_linking",
            ], text: 0, label: 1, csv: true),
        .init(
            "CLINC",
            [
                "text|intent", "what expression would i use to say hi|translate",
                "transfer ten dollars|transfer", "how would you say fly in italian|translate",
            ], text: 0, label: 1, csv: true),
        .init(
            "HANS",
            [
                "gold_label|sentence1_binary_parse|sentence2_binary_parse|sentence1_parse|sentence2_parse|sentence1|sentence2|pairID|heuristic|subcase|template",
                "non-entailment|( The president )|( The doctor )|(ROOT (S a))|(ROOT (S b))|The president advised the doctor .|The doctor advised the president .|ex0|lexical_overlap|ln_swap|temp1",
                "entailment|( The judge )|( The actor )|(ROOT (S a))|(ROOT (S b))|The judge by the actor stopped .|The judge stopped .|ex1|constituent|ce_x|temp2",
            ], text: 5, pair: 6, label: 0),
        .init(
            "ANLI",
            [
                "uid|premise|hypothesis|label|reason",
                "0fd0abfb|The Parma trolleybus system forms part of it.|It has over 2 lines.|0|The premise says so.",
                "7ed72ff4|Alexandra Lendon is a gymnast.|She was born in Paris.|1|Not known.",
                "5d2930e9|Asma is a lawyer.|She is a cook.|2|She is not.",
            ], text: 1, pair: 2, label: 3, csv: true),
        .init(
            "SciTail without header",
            [
                "Pluto rotates once on its axis every six days.|Earth rotates once on its axis.|neutral",
                "Glass is a solid substance.|Glass is not a liquid.|entails",
                "The liver is a large organ.|Bile is made in the liver.|neutral",
            ], text: 0, pair: 1, label: 2),
        .init(
            "TREC",
            [
                "label|text", "DESC|How did serfdom develop in and then leave Russia ?",
                "ENTY|What films featured the character ?", "DESC|How can I find a list of names ?",
            ], text: 1, label: 0),
        .init(
            "Hate speech",
            [
                "|count|hate_speech|offensive_language|neither|class|tweet",
                "0|3|0|0|3|2|RT @may: As a woman you should not complain",
                "1|3|0|3|0|1|RT @mle: boy dats cold", "2|3|0|3|0|1|RT @Urk: You ever been so bad",
            ], text: 6, label: 5, csv: true),
        .init(
            "Covid tweets",
            [
                "UserName|ScreenName|Location|TweetAt|OriginalTweet|Sentiment",
                "3799|48751|London|16-03-2020|@Men Phil Gahan and others|Neutral",
                "3800|48752|UK|16-03-2020|advice Talk to your neighbours|Positive",
                "3801|48753|Vagabonds|16-03-2020|Coronavirus Australia: supermarket shelves|Positive",
            ], text: 4, label: 5, csv: true),
        .init(
            "Amazon fine food",
            [
                "Id|ProductId|UserId|ProfileName|HelpfulnessNumerator|HelpfulnessDenominator|Score|Time|Summary|Text",
                "1|B001E4KFG0|A3SGXH7AUHU8GW|delmartian|1|1|5|1303862400|Good Quality Dog Food|I have bought several of the cans.",
                "2|B00813GRG4|A1D87F6ZCVE5NK|dll pa|0|0|1|1346976000|Not as Advertised|Product arrived labeled as Jumbo.",
                "3|B000LQOCH0|ABXLMWJIXXAIN|Natalia|1|1|5|1219017600|Delight says it all|This is a confection.",
            ], text: 9, label: 6, csv: true),
        .init(
            "Clothing reviews",
            [
                "|Clothing ID|Age|Title|Review Text|Rating|Recommended IND|Division Name",
                "0|767|33||Absolutely wonderful - silky and comfortable|4|1|Initmates",
                "1|1080|34||Love this dress! it is so pretty.|5|1|General",
                "2|1077|60|Some major flaws|I had such high hopes for this dress|3|0|General",
                "3|1049|50|My favorite buy!|I love, love, love this jumpsuit.|5|1|General",
            ], text: 4, label: 5, csv: true),
        .init(
            "BBC news",
            [
                "category|text", "tech|tv future in the hands of viewers",
                "business|worldcom boss left books alone", "tech|tigers wary of the farrell gamble",
            ], text: 1, label: 0, csv: true),
        .init(
            "News category",
            [
                "link|headline|category|short_description|authors|date",
                "https://a.com/1|Over 4 Million Roll Up|U.S. NEWS|Health experts said it is too early to predict.|Carla K.|2022-09-23",
                "https://a.com/2|American Airlines Flyer|U.S. NEWS|He was subdued by passengers on the plane.|Mary P.|2022-09-23",
                "https://a.com/3|23 Of The Funniest Tweets|COMEDY|Until you have a dog you don't understand.|Elyse W.|2022-09-23",
            ], text: 1, pair: 3, label: 2, csv: true),
        .init(
            "Sarcasm",
            [
                "article_link|headline|is_sarcastic",
                "https://a.com/1|former store clerk sues over secret code|0",
                "https://a.com/2|mom starting to fear son's web series|1",
                "https://a.com/3|the roseanne revival catches up|0",
            ], text: 1, label: 2, csv: true),
        .init(
            "WELFake",
            [
                "|title|text|label",
                "0|LAW ENFORCEMENT ON HIGH ALERT|No comment is expected from the members of the movement.|1",
                "1|Did they post their votes|Now, most of the demonstrators gathered last night.|1",
                "2|UNBELIEVABLE ATTORNEY|A dozen politically active pastors came here.|0",
            ], text: 2, label: 3, csv: true),
        .init(
            "Stack Overflow quality",
            [
                "Id|Title|Body|Tags|CreationDate|Y",
                "34552656|Java: Repeat Task Every Random Seconds|<p>I'm already familiar with repeating tasks</p>|<java><repeat>|2016-01-01 00:21:59|LQ_CLOSE",
                "34553034|Why are Java Optionals immutable?|<p>I'd like to understand why Java decided so.</p>|<java><optional>|2016-01-01 02:03:20|HQ",
                "34553174|Text Overlay Image with Darkened Opacity|<p>I am attempting to overlay a title over an image.</p>|<javascript>|2016-01-01 02:48:24|HQ",
            ], text: 1, pair: 2, label: 5, csv: true),
        .init(
            "Cyberbullying",
            [
                "tweet_text|cyberbullying_type",
                "In other words katandandre, your food was bad|not_cyberbullying",
                "Why is it so white?|religion", "a classy cake with love|not_cyberbullying",
            ], text: 0, label: 1, csv: true),
        .init(
            "Medical abstracts",
            [
                "condition_label|medical_abstract",
                "5|Tissue changes around loose prostheses. A canine model.",
                "1|Neuropeptide Y and neuron-specific enolase levels.",
                "5|Sexually transmitted diseases of the colon.",
            ], text: 1, label: 0, csv: true),
        .init(
            "Financial phrases without header",
            [
                "neutral|According to Gran, the company has no plans to move.",
                "neutral|Technopolis plans to develop in stages.",
                "negative|The electronic industry has laid off tens of employees.",
            ], text: 1, label: 0, csv: true),
        .init(
            "Restaurant reviews",
            [
                "Review|Liked", "Wow... Loved this place.|1", "Crust is not good.|0",
                "Not tasty and the texture was nasty.|0",
            ], text: 0, label: 1),
        .init(
            "BoolQ",
            [
                "question|passage|answer|title",
                "do iran and afghanistan speak the same language|Persian, also known by its endonym Farsi, is spoken.|true|Persian language",
                "do good samaritan laws protect those who help|Good Samaritan laws offer legal protection to people.|true|Good Samaritan law",
                "is elder scrolls online the same as skyrim|As with other games in the series, it is set there.|false|The Elder Scrolls",
            ], text: 0, pair: 1, label: 2, csv: true),
        .init(
            "XNLI",
            [
                "language|gold_label|sentence1|sentence2|promptID|pairID",
                "de|neutral|Und er hat gesagt, Mama .|Er rief seine Mutter an .|1|1",
                "de|contradiction|Und er hat gesagt, Mama .|Er sagte kein Wort .|1|2",
                "de|neutral|Ich wusste nicht .|Ich war noch nie dort .|2|4",
            ], text: 2, pair: 3, label: 1),
        .init(
            "SetFit",
            [
                "text|label|label_text", "a stirring , funny and transporting film|1|positive",
                "apparently reassembled from the cutting room|0|negative",
                "they presume their audience won't sit still|0|negative",
            ], text: 0, label: 1, csv: true),
        .init(
            "Chinese hotel reviews",
            ["label|review", "1|距离川沙公路较近，但是公交指示不对", "0|商务大床房，房间很大，床有两米宽", "1|早餐太差，无论去多少人，那边也不加食品的"], text: 1,
            label: 0, csv: true),
        .init(
            "An unknown language",
            [
                "comentario|clase", "me gusta mucho la comida de este sitio|bueno",
                "no me gusta nada el servicio de hoy|malo", "volveremos sin duda el año que viene|bueno",
            ], text: 0, label: 1),
        .init(
            "Shuffled, with an id",
            [
                "label|uid|sentence2|sentence1", "1|a-17|He left early .|She stayed .",
                "0|a-18|It rains .|The sun shines .", "1|a-19|They won .|They lost .",
            ], text: 3, pair: 2, label: 0),
        .init(
            "Shuffled without header",
            [
                "17|pos|I love everything about this film", "18|neg|I hate every minute of this film",
                "19|pos|so good that I saw it twice",
            ], text: 2, label: 1),
        .init(
            "Text before label without header", ["I love it|pos", "I hate it|neg", "so good|pos"], text: 0,
            label: 1),
        .init(
            "A test file without labels",
            [
                "id|keyword|location|text", "0|||Just happened a terrible car crash",
                "2|||Heard about #earthquake is different cities", "3|||there is a forest fire at spot pond",
            ], text: 3, label: nil, csv: true),
        .init(
            "An id before a text",
            [
                "101|I love everything about this film", "102|I hate every minute of this film",
                "103|so good that I saw it twice",
            ], text: 1, label: nil),
        .init(
            "Two texts", ["fine film|bad film", "it is a plot|the plot is fine"], text: 0, pair: 1, label: nil
        ),
    ]
}
